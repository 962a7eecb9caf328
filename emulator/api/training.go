package api

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// trainingMethods are the methods of the BCI chapter that train.
func trainingMethods() []rpc.Method[*Call] {
	const chapter = "BCI"
	return []rpc.Method[*Call]{
		{
			Name: "getDetectionInfo", Chapter: chapter, Doc: "Lists actions, controls and events of a detection.", Handle: getDetectionInfo,
			Params: []rpc.Param{detectionParam()},
		},
		{
			Name: "training", Chapter: chapter, Doc: "Starts, accepts, rejects, resets or erases a training.", Handle: training,
			Params: []rpc.Param{
				tokenParam(), {Name: "session", Type: rpc.TypeString, Required: true}, detectionParam(),
				{Name: "status", Type: rpc.TypeString, Required: true, Enum: trainingControls()},
				{Name: "action", Type: rpc.TypeString, Required: true},
			},
			Errors: []int{CodeSessionUnknown, CodeInvalidStatus, CodeNoSuchTraining, CodeNoProfileLoaded, CodeProfileAccess},
			Guessed: "that it needs a loaded profile, the errors of calls out of order, that a training ends with its session, " +
				"and the message of all but start",
		},
	}
}

func detectionParam() rpc.Param {
	return rpc.Param{
		Name: "detection", Type: rpc.TypeString, Required: true, Enum: []string{sessionstore.MentalCommand, sessionstore.FacialExpression},
	}
}

func trainingControls() []string { return []string{"start", "accept", "reject", "erase", "reset"} }

func signatureTypes() []string { return []string{"universal", "trained"} }

func detectionActions(detection string) []string {
	if detection == sessionstore.FacialExpression {
		return streams.FacialActions()
	}
	return streams.MentalActions()
}

func getDetectionInfo(_ *Call, a rpc.Args) (any, error) {
	events := []string{"Started", "Succeeded", "Failed", "Completed", "DataErased", "Rejected", "Reset"}
	prefix, signature := "FE_", signatureTypes()
	detection := a.String("detection")
	if detection == sessionstore.MentalCommand {
		events = append(events, "AutoSamplingNeutralCompleted", "SignatureUpdated")
		prefix, signature = "MC_", []string{}
	}
	for i := range events {
		events[i] = prefix + events[i]
	}
	return rpc.Object{
		"actions": detectionActions(detection), "controls": trainingControls(), "events": events, "signature": signature,
	}, nil
}

func training(c *Call, a rpc.Args) (any, error) {
	detection, status, action := a.String("detection"), a.String("status"), a.String("action")
	if known := detectionActions(detection); !slices.Contains(known, action) {
		return nil, c.invalid("action", "one of "+strings.Join(known, ", "))
	}
	sess, err := c.session(a)
	if err != nil {
		return nil, err
	}
	if detection == sessionstore.FacialExpression && !slices.Contains(streams.TrainableExpressions(), action) {
		return nil, c.fault(CodeNoSuchTraining, action+" cannot be trained, only "+strings.Join(streams.TrainableExpressions(), ", "))
	}
	d := c.devices[sess.Headset.ID]
	kind := streams.COM
	if detection == sessionstore.FacialExpression {
		kind = streams.FAC
	}
	if d == nil || d.source == nil || d.source.Layout(kind) == nil {
		return nil, c.fault(CodeNoSuchTraining, fmt.Sprintf("headset %s has no stream %s", sess.Headset.ID, kind))
	}
	var changes []sessionstore.Change
	switch status {
	case "start":
		if c.world.Training.NeedsSys && sess.Subscription("sys") == nil {
			return nil, c.fault(CodeInvalidStatus, "the session is not subscribed to sys")
		}
		var trial *sessionstore.Trial
		if trial, changes, err = c.Store.StartTraining(sess, detection, action); err == nil {
			c.beginTrial(d, trial)
		}
	case "accept":
		changes, err = c.Store.AcceptTraining(sess, detection, action)
	case "reject":
		changes, err = c.Store.RejectTraining(sess, detection, action)
	case "reset":
		changes, err = c.Store.ResetTraining(sess, detection, action)
	case "erase":
		changes, err = c.Store.EraseTraining(sess, detection, action)
	}
	if err != nil {
		return nil, err
	}
	c.apply(changes)
	return rpc.Object{"action": action, "message": "Set up training successfully", "status": status}, nil // cortex-example #51
}

// SetTrainingResult says how the trainings end that start from now on.
func (s *Service) SetTrainingResult(r TrainingResult) {
	s.world.Training.Result = r
	s.trainings = 0
}

// beginTrial lets a training run. It fails when the world wants so, or when the
// EEG was poor in half of it or more (BCI page: failed means data of poor
// quality; how poor is a guess).
func (s *Service) beginTrial(d *device, trial *sessionstore.Trial) {
	start, spec := s.sched.Now(), &s.world.Training
	end, failed := start+int64(spec.Time), start+int64(spec.FailTime)
	s.trainings++
	if spec.Result == TrainingFails || spec.Result == TrainingAlternates && s.trainings%2 == 1 {
		s.sched.At(failed, func() { s.endTrial(trial, false) })
		return
	}
	const look = int64(time.Second)
	looks, poor := 0, 0
	var watch func()
	watch = func() {
		if l := s.Store.LoadedProfile(trial.Session.Headset); l == nil || l.Trial != trial {
			return // reset, or the profile is gone
		}
		looks++
		if d.poorEEG() {
			poor++
		}
		switch now := s.sched.Now(); {
		case now < end:
			s.sched.At(min(now+look, end), watch)
		case 2*poor >= looks:
			s.sched.At(failed, func() { s.endTrial(trial, false) })
		default:
			s.endTrial(trial, true)
		}
	}
	s.sched.At(min(start+look, end), watch)
}

// poorEEG reports whether the detections cannot learn from what comes now.
func (d *device) poorEEG() bool {
	if d.source == nil || d.silent {
		return true
	}
	d.advance()
	return d.source.EEGQuality() < 2
}

func (s *Service) endTrial(trial *sessionstore.Trial, succeeded bool) {
	score := 0.1 // of a failure, as the formula below a guess
	if l := s.Store.LoadedProfile(trial.Session.Headset); l != nil && succeeded {
		m := mentalModel(&l.Data)
		m.Times = map[string]int{trial.Action: m.Times[trial.Action] + 1}
		score = round6(0.2 + 0.75*m.Skill(trial.Action))
	}
	s.apply(s.Store.EndTraining(trial, succeeded, score))
}

// sendSys sends an event to every session on the headset that is subscribed to
// sys: the training is the headset's (inferred).
func (s *Service) sendSys(e sessionstore.TrainingEvent) {
	d := s.devices[e.Headset.ID]
	if d == nil || d.source == nil {
		return
	}
	d.advance() // samples of the same instant come first
	var sample streams.Sample
	if !d.source.SysSample(&sample, s.sched.Now(), e.Detection, e.Event) {
		return
	}
	// The one stream whose name comes after sid in the alphabet.
	body := append([]byte(nil), `"sys":`...)
	body = d.source.Layout(streams.SYS).AppendSample(body, &sample)
	body = append(body, `,"time":`...)
	body = append(streams.AppendTime(body, sample.Stamp), '}')
	for _, k := range d.sinks[streams.SYS] {
		k.peer.link.Send(Frame{Kind: Sample, Stream: streams.SYS, Headset: d.headset.ID}, []byte("{"), k.sid[1:], body)
	}
}
