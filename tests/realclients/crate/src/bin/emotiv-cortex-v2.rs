use emotiv_cortex_v2 as client;

use anyhow::Result;
use client::CortexClient;
use serde_json::Value;
use std::collections::HashMap;
use tokio::sync::mpsc::Receiver;

#[path = "../drive.rs"]
mod drive;

#[tokio::main]
async fn main() -> Result<()> {
    drive::main("emotiv-cortex-v2").await
}

fn channels<'a>(client: &CortexClient, _session: &str, streams: &[&'a str]) -> Result<HashMap<&'a str, Receiver<Value>>> {
    Ok(client.create_stream_channels(streams))
}

/// Returns how many streams are subscribed to.
async fn subscribe(client: &CortexClient, token: &str, session: &str, streams: &[&str]) -> Result<usize> {
    let subscribed = client.subscribe_streams(token, session, streams).await?;
    Ok(subscribed["success"].as_array().map_or(0, Vec::len))
}
