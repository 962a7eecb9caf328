package api

import (
	"encoding/json"
	"math"
	"slices"
	"strings"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// advancedBCIMethods are the methods of the Advanced BCI chapter. With session
// they read and change the profile in memory, with profile they read the one on
// disk. The page asks for exactly one of the two; official clients send both,
// and then session wins.
func advancedBCIMethods() []rpc.Method[*Call] {
	const chapter = "Advanced BCI"
	params := func(more ...rpc.Param) []rpc.Param {
		return append([]rpc.Param{
			tokenParam(), {Name: "session", Type: rpc.TypeString, EmptyIsAbsent: true}, {Name: "profile", Type: rpc.TypeString, EmptyIsAbsent: true},
		}, more...)
	}
	status := rpc.Param{Name: "status", Type: rpc.TypeString, Required: true, Enum: []string{"get", "set"}}
	read := []int{CodeMissingParams, CodeSessionUnknown, CodeProfileName}
	write := append(slices.Clone(read), CodeInvalidParams, CodeNoProfileLoaded, CodeProfileAccess)
	return []rpc.Method[*Call]{
		{
			Name: "getTrainedSignatureActions", Chapter: chapter, Doc: "Tells which actions are trained, and how often.",
			Params: params(detectionParam()), Handle: getTrainedSignatureActions, Errors: read,
		},
		{
			Name: "getTrainingTime", Chapter: chapter, Doc: "Tells how long a training takes.", Handle: getTrainingTime,
			Params: []rpc.Param{tokenParam(), detectionParam(), {Name: "session", Type: rpc.TypeString, Required: true}}, Errors: []int{CodeSessionUnknown},
		},
		{
			Name: "facialExpressionSignatureType", Chapter: chapter, Doc: "Reads or chooses the signature of facial expressions.",
			Params: params(status, rpc.Param{Name: "signature", Type: rpc.TypeString}), Handle: facialExpressionSignatureType, Errors: write,
		},
		{
			Name: "facialExpressionThreshold", Chapter: chapter, Doc: "Reads or sets the threshold of a facial expression, 0 to 1000.",
			Params: params(status, rpc.Param{Name: "action", Type: rpc.TypeString, Required: true, Enum: streams.FacialActions()},
				rpc.Param{Name: "value", Type: rpc.TypeInteger}),
			Handle: facialExpressionThreshold, Errors: write,
		},
		{
			Name: "mentalCommandActiveAction", Chapter: chapter, Doc: "Reads or sets the active mental commands, at most four and neutral.",
			Params: params(status, rpc.Param{Name: "actions", Type: rpc.TypeStringArray}), Handle: mentalCommandActiveAction, Errors: write,
		},
		{
			Name: "mentalCommandBrainMap", Chapter: chapter, Doc: "Tells how different the trained thoughts are.",
			Params: params(), Handle: mentalCommandBrainMap, Errors: read, Guessed: "the formula",
		},
		{
			Name: "mentalCommandGetSkillRating", Chapter: chapter, Doc: "Tells how well an action, or all, are trained.",
			Params: params(rpc.Param{Name: "action", Type: rpc.TypeString, EmptyIsAbsent: true, Enum: streams.MentalActions()}),
			Handle: mentalCommandGetSkillRating, Errors: read, Guessed: "the formula",
		},
		{
			Name: "mentalCommandTrainingThreshold", Chapter: chapter, Doc: "Tells the threshold and the score of the last training.",
			Params: params(), Handle: mentalCommandTrainingThreshold, Errors: read, Guessed: "the formula",
		},
		{
			Name: "mentalCommandActionSensitivity", Chapter: chapter, Doc: "Reads or sets the sensitivity of the four active actions, 1 to 10.",
			Params: params(status, rpc.Param{Name: "values", Type: rpc.TypeArray}), Handle: mentalCommandActionSensitivity, Errors: write,
		},
	}
}

// profileData returns what a getter reads. A headset without a profile uses an
// empty one (setupProfile page, unload).
func (c *Call) profileData(a rpc.Args) (*sessionstore.ProfileData, error) {
	switch {
	case c.compat.ProfileRequired && a.Raw("profile") == nil:
		return nil, c.missing("profile") // the bug of 2.0.0 that the Advanced BCI page tells of
	case a.Has("session"):
		sess, err := c.session(a)
		if err != nil {
			return nil, err
		}
		if l := c.Store.LoadedProfile(sess.Headset); l != nil {
			return &l.Data, nil
		}
		fresh := sessionstore.NewProfileData()
		return &fresh, nil
	case a.Has("profile"):
		p := c.Store.Profile(c.token.Username, a.String("profile"))
		if p == nil {
			return nil, c.fault(CodeProfileName, c.token.Username+" has no profile "+a.String("profile"))
		}
		return &p.Data, nil
	}
	return nil, c.missing("session")
}

// change changes the profile in memory; with a profile name alone there is
// nothing to write to.
func (c *Call) change(a rpc.Args, change func(*sessionstore.ProfileData)) error {
	switch {
	case c.compat.ProfileRequired && a.Raw("profile") == nil:
		return c.missing("profile")
	case !a.Has("session"):
		return c.missing("session")
	}
	sess, err := c.session(a)
	if err != nil {
		return err
	}
	changes, err := c.Store.ChangeProfile(c.Method, sess, change)
	if err != nil {
		return err
	}
	c.apply(changes)
	return nil
}

func getTrainedSignatureActions(c *Call, a rpc.Args) (any, error) {
	d, err := c.profileData(a)
	if err != nil {
		return nil, err
	}
	detection := a.String("detection")
	list := rpc.Array{}
	for _, action := range detectionActions(detection) {
		if n := d.Times(detection)[action]; n > 0 {
			list = append(list, rpc.Object{"action": action, "times": n})
		}
	}
	return rpc.Object{"totalTimesTraining": d.Total(detection), "trainedActions": list}, nil
}

func getTrainingTime(c *Call, a rpc.Args) (any, error) {
	if _, err := c.session(a); err != nil {
		return nil, err
	}
	return rpc.Object{"detection": a.String("detection"), "time": c.world.Training.Time.Seconds()}, nil
}

// availableSignatures lists trained only when something is.
func availableSignatures(d *sessionstore.ProfileData) []string {
	if len(d.FacialExpression.Times) > 0 {
		return signatureTypes()
	}
	return signatureTypes()[:1]
}

func facialExpressionSignatureType(c *Call, a rpc.Args) (any, error) {
	if a.String("status") == "set" {
		if !a.Has("signature") {
			return nil, c.missing("signature")
		}
		if !slices.Contains(signatureTypes(), a.String("signature")) {
			return nil, c.invalid("signature", "universal or trained")
		}
		available := true
		err := c.change(a, func(d *sessionstore.ProfileData) {
			if available = slices.Contains(availableSignatures(d), a.String("signature")); available {
				d.FacialExpression.Signature = a.String("signature")
			}
		})
		if err != nil {
			return nil, err
		}
		if !available {
			return nil, c.invalid("signature", "one of availableSig: no facial expression is trained")
		}
	}
	d, err := c.profileData(a)
	if err != nil {
		return nil, err
	}
	return rpc.Object{"availableSig": availableSignatures(d), "currentSig": d.FacialExpression.Signature}, nil
}

func facialExpressionThreshold(c *Call, a rpc.Args) (any, error) {
	action := a.String("action")
	if a.String("status") == "set" {
		if !a.Has("value") {
			return nil, c.missing("value")
		}
		value := a.Int("value")
		if value < 0 || value > 1000 {
			return nil, c.invalid("value", "0 to 1000")
		}
		if err := c.change(a, func(d *sessionstore.ProfileData) { d.FacialExpression.Thresholds[action] = value }); err != nil {
			return nil, err
		}
		return "success", nil
	}
	d, err := c.profileData(a)
	if err != nil {
		return nil, err
	}
	if v, ok := d.FacialExpression.Thresholds[action]; ok {
		return v, nil
	}
	return sessionstore.DefaultThreshold, nil
}

// mentalCommandActiveAction takes neutral in the list, as it gives it, and does
// not count it.
func mentalCommandActiveAction(c *Call, a rpc.Args) (any, error) {
	if a.String("status") == "set" {
		if !a.Has("actions") {
			return nil, c.missing("actions")
		}
		var active []string
		for _, action := range a.Strings("actions") {
			if action != "neutral" && !slices.Contains(active, action) {
				active = append(active, action)
			}
		}
		if checkActive(active) != nil {
			return nil, c.invalid("actions", "at most four besides neutral, of "+strings.Join(streams.MentalActions()[1:], ", "))
		}
		if err := c.change(a, func(d *sessionstore.ProfileData) { d.MentalCommand.Active = active }); err != nil {
			return nil, err
		}
		return rpc.Object{"actions": a.Strings("actions"), "message": "Set MentalCommand active actions successfully"}, nil
	}
	d, err := c.profileData(a)
	if err != nil {
		return nil, err
	}
	return append([]string{"neutral"}, d.MentalCommand.Active...), nil
}

func mentalCommandBrainMap(c *Call, a rpc.Args) (any, error) {
	d, err := c.profileData(a)
	if err != nil {
		return nil, err
	}
	return brainMap(d), nil
}

func mentalCommandGetSkillRating(c *Call, a rpc.Args) (any, error) {
	d, err := c.profileData(a)
	if err != nil {
		return nil, err
	}
	rating := overallRating(d)
	if a.Has("action") {
		rating = skillRating(d, a.String("action"))
	}
	return rpc.Float(round6(rating)), nil
}

func mentalCommandTrainingThreshold(c *Call, a rpc.Args) (any, error) {
	d, err := c.profileData(a)
	if err != nil {
		return nil, err
	}
	return rpc.Object{
		"currentThreshold": rpc.Float(d.MentalCommand.Threshold), "lastTrainingScore": rpc.Float(d.MentalCommand.LastScore),
	}, nil
}

func mentalCommandActionSensitivity(c *Call, a rpc.Args) (any, error) {
	if a.String("status") == "set" {
		if !a.Has("values") {
			return nil, c.missing("values")
		}
		values, ok := sensitivities(a.Array("values"))
		if !ok {
			return nil, c.invalid("values", "an array of four integers from 1 to 10")
		}
		if err := c.change(a, func(d *sessionstore.ProfileData) { d.MentalCommand.Sensitivity = values }); err != nil {
			return nil, err
		}
		return "success", nil
	}
	d, err := c.profileData(a)
	if err != nil {
		return nil, err
	}
	return d.MentalCommand.Sensitivity[:], nil
}

func sensitivities(raw []json.RawMessage) (values [sessionstore.MaxActiveActions]int, ok bool) {
	if len(raw) != len(values) {
		return values, false
	}
	for i, text := range raw {
		var v float64
		if json.Unmarshal(text, &v) != nil || v != math.Trunc(v) || v < 1 || v > 10 {
			return values, false
		}
		values[i] = int(v)
	}
	return values, true
}
