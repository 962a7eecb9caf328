//! A connection to the Cortex service.

use anyhow::{anyhow, bail, Context, Result};
use futures_util::{SinkExt, StreamExt};
use rustls::{pki_types::pem::PemObject, pki_types::CertificateDer, ClientConfig, RootCertStore};
use serde::{de::DeserializeOwned, Deserialize};
use serde_json::{json, Value};
use std::{collections::VecDeque, path::Path, sync::Arc};
use tokio::net::TcpStream;
use tokio_tungstenite::{connect_async_tls_with_config, tungstenite::Message, Connector, MaybeTlsStream, WebSocketStream};

pub struct Cortex {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    unasked: VecDeque<Unasked>,
    last_id: i64,
}

/// What comes without a request.
pub enum Unasked {
    Sample(Value),
    Warning { code: i64, message: Value },
}

/// A message as it is on the wire: an answer, a warning or a sample.
#[derive(Deserialize)]
struct Wire {
    id: Option<i64>,
    result: Option<Value>,
    error: Option<WireError>,
    warning: Option<WireWarning>,
    #[serde(flatten)]
    rest: Value,
}

#[derive(Deserialize)]
struct WireError {
    code: i64,
    message: String,
}

#[derive(Deserialize)]
struct WireWarning {
    code: i64,
    message: Value,
}

impl Cortex {
    /// Connects, trusting the CA of that PEM file and no other.
    pub async fn connect(url: &str, ca_file: &Path) -> Result<Self> {
        let ca = CertificateDer::from_pem_file(ca_file).map_err(|e| anyhow!("{}: {e}", ca_file.display()))?;
        let mut roots = RootCertStore::empty();
        roots.add(ca)?;
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let (socket, _) = connect_async_tls_with_config(url, None, true, Some(Connector::Rustls(Arc::new(tls))))
            .await
            .with_context(|| format!("connect to {url}"))?;
        Ok(Cortex { socket, unasked: VecDeque::new(), last_id: 0 })
    }

    /// Makes a request and returns its result; samples and warnings before it
    /// are kept for [`Cortex::next`].
    pub async fn call<T: DeserializeOwned>(&mut self, method: &str, params: Value) -> Result<T> {
        self.last_id += 1;
        let request = json!({"id": self.last_id, "jsonrpc": "2.0", "method": method, "params": params});
        self.socket.send(Message::text(request.to_string())).await?;
        loop {
            let message = self.receive().await?;
            if message.id != Some(self.last_id) {
                self.unasked.extend(unasked(message));
                continue;
            }
            if let Some(error) = message.error {
                bail!("{method}: {} {}", error.code, error.message);
            }
            let result = message.result.with_context(|| format!("{method}: neither result nor error"))?;
            return serde_json::from_value(result).with_context(|| format!("the result of {method}"));
        }
    }

    /// Returns the next sample or warning.
    pub async fn next(&mut self) -> Result<Unasked> {
        loop {
            if let Some(message) = self.unasked.pop_front() {
                return Ok(message);
            }
            let message = self.receive().await?;
            self.unasked.extend(unasked(message));
        }
    }

    pub async fn close(mut self) -> Result<()> {
        Ok(self.socket.close(None).await?)
    }

    async fn receive(&mut self) -> Result<Wire> {
        while let Some(frame) = self.socket.next().await {
            match frame? {
                Message::Text(text) => return serde_json::from_str(&text).with_context(|| text.to_string()),
                Message::Close(why) => bail!("closed by the service: {why:?}"),
                _ => {}
            }
        }
        bail!("the connection ended")
    }
}

fn unasked(message: Wire) -> Option<Unasked> {
    match message.warning {
        Some(WireWarning { code, message }) => Some(Unasked::Warning { code, message }),
        None => message.rest.get("sid").is_some().then(|| Unasked::Sample(message.rest)),
    }
}
