//! Drives the crate emotiv, which authorizes and opens its session by itself
//! and tells everything as events: streams, a record with a marker and its
//! export, and a training that follows sys.

use anyhow::{Context, Result, bail, ensure};
use emotiv::client::{CortexClient, CortexClientConfig, CortexHandle};
use emotiv::types::CortexEvent;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

const STREAMS: [&str; 8] = ["eeg", "mot", "dev", "met", "pow", "com", "fac", "sys"]; // it does not read eq
const CHANNELS: usize = 14;

#[tokio::main]
async fn main() -> Result<()> {
    timeout(Duration::from_secs(150), run()).await.context("no end within 150 s")?
}

/// The next event for which `want` has an answer; an error of the crate ends the run.
async fn next<T>(rx: &mut Receiver<CortexEvent>, what: &str, mut want: impl FnMut(CortexEvent) -> Result<Option<T>>) -> Result<T> {
    loop {
        let event = timeout(Duration::from_secs(40), rx.recv()).await.with_context(|| format!("no {what}"))?;
        match event.context("the crate ended")? {
            CortexEvent::Error(error) => bail!("{error}, while waiting for {what}"),
            CortexEvent::Disconnected => bail!("disconnected, while waiting for {what}"),
            event => {
                if let Some(found) = want(event)? {
                    return Ok(found);
                }
            }
        }
    }
}

async fn run() -> Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = CortexClient::new(CortexClientConfig {
        client_id: "realclients.emotiv".into(),
        client_secret: "secret".into(),
        ws_url: std::env::var("FAKECORTEX_URL")?,
        ..Default::default()
    });
    let (mut rx, handle) = client.connect().await?;
    next(&mut rx, "session", |e| Ok(matches!(e, CortexEvent::SessionCreated(_)).then_some(()))).await?;
    let counts = streams(&mut rx, &handle).await?;
    record(&mut rx, &handle).await?;
    training(&mut rx, &handle).await?;
    handle.close_session().await?;
    println!("emotiv: {counts}record, marker, export, training");
    Ok(())
}

async fn streams(rx: &mut Receiver<CortexEvent>, handle: &CortexHandle) -> Result<String> {
    handle.subscribe(&STREAMS).await?;
    let mut counts = BTreeMap::<&str, usize>::new();
    let mut labels = BTreeMap::<String, usize>::new();
    next(rx, "sample of every stream", |event| {
        let (stream, whole) = match event {
            CortexEvent::DataLabels(l) => {
                labels.insert(l.stream_name, l.labels.len());
                return Ok(None);
            }
            // The MARKERS array is no number, so the crate makes it NaN.
            CortexEvent::Eeg(d) => ("eeg", d.samples.len() == labels["eeg"] && d.samples.iter().filter(|v| v.is_nan()).count() == 1),
            CortexEvent::Motion(d) => ("mot", d.samples.len() == labels["mot"] && d.samples.iter().all(|v| v.is_finite())),
            CortexEvent::Dev(d) => ("dev", d.contact_quality.len() == CHANNELS + 1 && d.battery_percent > 0.0),
            CortexEvent::Metrics(d) => ("met", d.values.iter().all(|v| (0.0..=1.0).contains(v))),
            CortexEvent::BandPower(d) => ("pow", d.powers.len() == 5 * CHANNELS),
            CortexEvent::MentalCommand(d) => ("com", !d.action.is_empty() && (0.0..=1.0).contains(&d.power)),
            CortexEvent::FacialExpression(d) => ("fac", !d.eye_action.is_empty() && !d.lower_action.is_empty()),
            _ => return Ok(None),
        };
        ensure!(whole, "a sample of {stream} that the crate reads only in part");
        *counts.entry(stream).or_default() += 1;
        Ok((counts.len() == STREAMS.len() - 1 && counts["met"] > 1).then_some(()))
    })
    .await?;
    Ok(counts.iter().map(|(stream, n)| format!("{n} {stream}, ")).collect())
}

async fn record(rx: &mut Receiver<CortexEvent>, handle: &CortexHandle) -> Result<()> {
    handle.create_record("emotiv", "a run").await?;
    let id = next(rx, "record", |e| Ok(if let CortexEvent::RecordCreated(r) = e { Some(r.uuid) } else { None })).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as f64;
    handle.inject_marker(now, "7", "stimulus").await?;
    let marker = next(rx, "marker", |e| Ok(if let CortexEvent::MarkerInjected(m) = e { Some(m) } else { None })).await?;
    ensure!(marker.label == "stimulus" && marker.marker_type == "instance", "{marker:?}");
    handle.stop_record().await?;
    let stopped = next(rx, "end of the record", |e| Ok(if let CortexEvent::RecordStopped(r) = e { Some(r) } else { None })).await?;
    ensure!(stopped.uuid == id && !stopped.end_datetime.is_empty());
    next(rx, "warning 30", |e| Ok(matches!(e, CortexEvent::RecordPostProcessingDone(r) if r == id).then_some(()))).await?;
    let folder = std::env::temp_dir().display().to_string();
    handle.export_record(&folder, "CSV", &["EEG", "MOTION"], &[&id], "V2").await?;
    let exported = next(rx, "export", |e| Ok(if let CortexEvent::RecordExported(ids) = e { Some(ids) } else { None })).await?;
    ensure!(exported == [id]);
    Ok(())
}

async fn training(rx: &mut Receiver<CortexEvent>, handle: &CortexHandle) -> Result<()> {
    handle.query_profile().await?;
    let profiles = next(rx, "profiles", |e| Ok(if let CortexEvent::ProfilesQueried(p) = e { Some(p) } else { None })).await?;
    ensure!(profiles.iter().any(|p| p == "demo"), "{profiles:?}");
    handle.setup_profile("demo", "load").await?;
    next(rx, "loaded profile", |e| Ok(matches!(e, CortexEvent::ProfileLoaded(true)).then_some(()))).await?;
    handle.train("mentalCommand", "push", "start").await?;
    sys(rx, "MC_Succeeded").await?;
    handle.train("mentalCommand", "push", "accept").await?;
    sys(rx, "MC_Completed").await?;
    handle.setup_profile("demo", "save").await?;
    next(rx, "saved profile", |e| Ok(matches!(e, CortexEvent::ProfileSaved).then_some(()))).await?;
    handle.setup_profile("demo", "unload").await?;
    next(rx, "unloaded profile", |e| Ok(matches!(e, CortexEvent::ProfileLoaded(false)).then_some(()))).await?;
    Ok(())
}

async fn sys(rx: &mut Receiver<CortexEvent>, wanted: &str) -> Result<()> {
    next(rx, wanted, |e| match e {
        CortexEvent::Sys(s) => Ok(s.events.iter().any(|v| v == wanted).then_some(())),
        _ => Ok(None),
    })
    .await
}
