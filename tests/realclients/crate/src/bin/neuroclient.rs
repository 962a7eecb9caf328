use neuroclient as client;

use anyhow::Result;
use client::CortexClient;
use serde_json::Value;
use std::collections::HashMap;
use tokio::sync::mpsc::Receiver;

#[path = "../drive.rs"]
mod drive;

#[tokio::main]
async fn main() -> Result<()> {
    drive::main("neuroclient").await
}

fn channels<'a>(client: &CortexClient, session: &str, streams: &[&'a str]) -> Result<HashMap<&'a str, Receiver<Value>>> {
    Ok(client.create_stream_channels(session, streams)?)
}

/// Returns how many streams are subscribed to.
async fn subscribe(client: &CortexClient, token: &str, session: &str, streams: &[&str]) -> Result<usize> {
    Ok(client.subscribe_streams(token, session, streams).await?.success.len())
}
