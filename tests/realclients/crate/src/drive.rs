//! Drives emotiv-cortex-v2 and its successor neuroclient, whose answers and
//! samples are typed structs: what does not fit them is an error.

use anyhow::{Context, Result, bail, ensure};
use crate::client::protocol::headset::QueryHeadsetsOptions;
use crate::client::protocol::profiles::ProfileAction;
use crate::client::protocol::records::{ExportFormat, UpdateRecordRequest};
use crate::client::protocol::streams::{
    BandPowerData, ComEvent, DeviceQuality, EegData, EegQuality, FacEvent, MetEvent, MotionData, StreamEvent,
};
use crate::client::protocol::subjects::{QuerySubjectsRequest, SubjectRequest};
use crate::client::protocol::training::{DetectionType, TrainingStatus};
use crate::client::{CortexClient, CortexConfig};
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

const STREAMS: [&str; 9] = ["met", "dev", "eeg", "mot", "eq", "pow", "com", "fac", "sys"];

pub async fn main(name: &str) -> Result<()> {
    timeout(Duration::from_secs(150), run(name)).await.context("no end within 150 s")?
}

async fn run(name: &str) -> Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut config = CortexConfig::new("realclients.crate", "secret");
    config.cortex_url = std::env::var("FAKECORTEX_URL")?;
    let mut client = CortexClient::connect(&config).await?;

    ensure!(client.get_cortex_info().await?["version"].is_string());
    ensure!(client.get_user_login().await?.len() == 1);
    let token = client.authenticate(&config.client_id, &config.client_secret).await?;
    ensure!(client.get_user_info(&token).await?["username"].is_string());
    ensure!(client.get_license_info(&token).await?["license"].is_object());
    client.refresh_headsets().await?;
    let headset = client.query_headsets(QueryHeadsetsOptions::default()).await?.into_iter().next().context("no headset")?;
    ensure!(headset.status == "connected");
    let channels = headset.sensors.as_ref().context("no sensors")?.len();
    let id = headset.id.as_str();
    ensure!(client.sync_with_headset_clock(id).await?.headset == id);

    let session = client.create_session(&token, id).await?;
    ensure!(session.status == "activated");
    ensure!(client.query_sessions(&token).await?.len() == 1);

    // Raw channels, since the typed streams of the crate skip what they cannot parse.
    let mut receivers = crate::channels(&client, &session.id, &STREAMS)?;
    ensure!(crate::subscribe(&client, &token, &session.id, &STREAMS).await? == STREAMS.len());
    let mut counts = String::new();
    for stream in STREAMS {
        if stream == "sys" {
            continue;
        }
        let receiver = receivers.get_mut(stream).context("no channel")?;
        let mut count = 0;
        // The slowest come first, so that the others have come too when their turn is.
        while count < 2 {
            let event = timeout(Duration::from_secs(30), receiver.recv()).await.with_context(|| format!("no {stream}"))?;
            check(stream, event.context("channel closed")?, channels)?;
            count += 1;
        }
        while let Ok(event) = receiver.try_recv() {
            check(stream, event, channels)?;
            count += 1;
        }
        counts += &format!("{count} {stream}, ");
    }

    records(&client, &token, &session.id).await?;
    subjects(&client, &token).await?;
    let mut sys = receivers.remove("sys").context("no channel")?;
    training(&client, &token, id, &session.id, &mut sys).await?;

    client.unsubscribe_streams(&token, &session.id, &STREAMS).await?;
    client.close_session(&token, &session.id).await?;
    ensure!(client.query_sessions(&token).await?.is_empty());
    client.disconnect().await?;
    println!("{name}: {counts}record, markers, subject, profile, training");
    Ok(())
}

/// Parses a sample with the structs of the crate.
fn check(stream: &str, event: Value, channels: usize) -> Result<()> {
    let text = event.to_string();
    let parsed: StreamEvent = serde_json::from_value(event.clone()).with_context(|| text.clone())?;
    let time = parsed.time.context("no time")?;
    ensure!(parsed.sid.is_some(), "no sid: {text}");
    let understood = match stream {
        "eeg" => EegData::from_eeg_array(&parsed.eeg.context("no eeg")?, channels, time).is_some(),
        "dev" => DeviceQuality::from_dev_array(&parsed.dev.context("no dev")?, channels).is_some(),
        "mot" => MotionData::from_mot_array(&parsed.mot.context("no mot")?, time).is_some(),
        "eq" => EegQuality::from_eq_array(&parsed.eq.context("no eq")?, channels).is_some(),
        "pow" => BandPowerData::from_pow_array(&parsed.pow.context("no pow")?, channels, time).is_some(),
        "met" => !serde_json::from_value::<MetEvent>(event)?.met.is_empty(),
        "com" => {
            let com = serde_json::from_value::<ComEvent>(event)?.com;
            com.len() == 2 && com[0].is_string() && com[1].as_f64().is_some()
        }
        "fac" => serde_json::from_value::<FacEvent>(event)?.fac.len() == 5,
        other => bail!("unexpected stream {other}"),
    };
    ensure!(understood, "the crate cannot read {text}");
    Ok(())
}

async fn records(client: &CortexClient, token: &str, session: &str) -> Result<()> {
    let record = client.create_record(token, session, "crate").await?;
    let marker = client.inject_marker(token, session, "stimulus", 3, "drive", None).await?;
    ensure!(marker.start_datetime.is_some());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let stopped = client.stop_record(token, session).await?;
    ensure!(stopped.uuid == record.uuid && stopped.end_datetime.is_some_and(|t| !t.is_empty()));
    let update = UpdateRecordRequest {
        record_id: record.uuid.clone(),
        title: None,
        description: Some("a run".into()),
        tags: Some(vec!["a".into()]),
    };
    // The crate looks for an envelope that neither the updateRecord page nor EMOTIV's C# example has.
    let refused = client.update_record_with(token, &update).await.err().context("an envelope around updateRecord's result")?;
    ensure!(refused.to_string().contains("missing 'record'"), "{refused}");
    ensure!(client.query_records(token, Some(10), Some(0)).await?.iter().any(|r| r.uuid == record.uuid));
    ensure!(client.get_record_infos(token, &[record.uuid.clone()]).await?.is_array());
    // The crate has no way to say streamTypes, which exportRecord requires: the refusal must say so.
    let folder = std::env::temp_dir().display().to_string();
    match client.export_record(token, &[record.uuid.clone()], &folder, ExportFormat::Csv).await {
        Ok(()) => bail!("an export without streamTypes was accepted"),
        Err(e) => ensure!(e.to_string().contains("-32018") || e.to_string().contains("equired"), "{e}"),
    }
    client.delete_record(token, &[record.uuid]).await?;
    Ok(())
}

async fn subjects(client: &CortexClient, token: &str) -> Result<()> {
    let mut subject = SubjectRequest::new("crate subject");
    subject.sex = Some("U".into());
    subject.country_code = Some("US".into());
    ensure!(client.create_subject_with(token, &subject).await?.subject_name == "crate subject");
    let mut query = QuerySubjectsRequest::default();
    query.query = serde_json::json!({"subjectName": "crate subject"});
    query.order_by = serde_json::json!([{"subjectName": "ASC"}]);
    let (found, count) = client.query_subjects_with(token, &query).await?;
    ensure!(count == 1 && found.len() == 1);
    ensure!(!client.get_demographic_attributes(token).await?.is_empty());
    client.delete_subjects(token, &["crate subject".to_string()]).await?;
    Ok(())
}

async fn training(
    client: &CortexClient,
    token: &str,
    headset: &str,
    session: &str,
    sys: &mut tokio::sync::mpsc::Receiver<Value>,
) -> Result<()> {
    let detection = DetectionType::MentalCommand;
    let info = client.get_detection_info(detection).await?;
    ensure!(info.actions.iter().any(|a| a == "push"));
    ensure!(!client.query_profiles(token).await?.is_empty());
    client.setup_profile(token, headset, "crate", ProfileAction::Create).await?;
    client.setup_profile(token, headset, "crate", ProfileAction::Load).await?;
    let current = client.get_current_profile(token, headset).await?;
    ensure!(current.name.as_deref() == Some("crate") && current.loaded_by_this_app);
    for action in ["neutral", "push"] {
        client.training(token, session, detection, TrainingStatus::Start, action).await?;
        event(sys, "MC_Started").await?;
        event(sys, "MC_Succeeded").await?;
        client.training(token, session, detection, TrainingStatus::Accept, action).await?;
        event(sys, "MC_Completed").await?;
    }
    client.setup_profile(token, headset, "crate", ProfileAction::Save).await?;
    let trained = client.get_trained_signature_actions(token, detection, Some("crate"), None).await?;
    ensure!(trained.total_times_training == 2 && trained.trained_actions.len() == 2);
    ensure!(client.get_training_time(token, detection, session).await?.time > 0.0);
    client.setup_profile(token, headset, "crate", ProfileAction::Unload).await?;
    client.setup_profile(token, headset, "crate", ProfileAction::Delete).await?;
    Ok(())
}

/// Waits for an event of sys; the wait of the training itself is 8 s of the headset's clock.
async fn event(sys: &mut tokio::sync::mpsc::Receiver<Value>, wanted: &str) -> Result<()> {
    let event = timeout(Duration::from_secs(20), sys.recv()).await.with_context(|| format!("no {wanted}"))?;
    let event = event.context("channel closed")?;
    ensure!(event["sys"] == serde_json::json!(["mentalCommand", wanted]), "{event} where {wanted} was due");
    Ok(())
}
