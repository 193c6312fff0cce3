//! A command in a container, over a WebSocket.

use std::time::Duration;

use ira_commands::actions::Broken;
use ira_commands::ports::cluster::{Executed, ObjectName};
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, AttachParams};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::timeout;

/// The most of one output that is kept, bytes.
const KEPT: usize = 64 * 1024;

/// Runs it, and waits for its end. What was begun and did not end in time goes on there: its effect is not known.
pub(super) async fn run(
    client: &kube::Client,
    pod: &ObjectName,
    container: &str,
    argv: &[String],
    seconds: u64,
) -> Result<Executed, Broken> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &pod.namespace);
    let how = AttachParams::default().container(container).stdin(false).stdout(true).stderr(true);
    let lost = |why: String| {
        Broken::unknown(
            Fault::new(Kind::Unreachable, format!("the connection to {container} of {pod} broke")).because(why),
        )
    };
    let whole = async {
        let mut process = match pods.exec(&pod.name, argv, &how).await {
            Ok(process) => process,
            Err(kube::Error::Api(status)) if (400..500).contains(&status.code) => {
                let kind = if matches!(status.code, 401 | 403) { Kind::Denied } else { Kind::Failed };
                let fault = Fault::new(kind, format!("nothing can be run in {container} of {pod}"));
                return Err(Broken::before(fault.because(excerpt(&status.message, 300))));
            }
            // The server dials the node after it was asked, and may have begun by then.
            Err(error) => return Err(lost(excerpt(&error.to_string(), 300))),
        };
        let (out, err) = (process.stdout(), process.stderr());
        let status = process.take_status();
        let ((stdout, more_out), (stderr, more_err)) = tokio::join!(kept(out), kept(err));
        let status = match status {
            Some(status) => status.await,
            None => None,
        };
        let status = status.ok_or_else(|| lost("it did not say how the command ended".to_owned()))?;
        let exit = match status.status.as_deref() {
            Some("Success") => 0,
            _ => exit_code(&status).ok_or_else(|| lost(excerpt(status.message.as_deref().unwrap_or_default(), 300)))?,
        };
        Ok(Executed { exit, stdout, stderr, cut: more_out || more_err })
    };
    timeout(Duration::from_secs(seconds), Box::pin(whole)).await.unwrap_or_else(|_| {
        let fault =
            Fault::new(Kind::Timeout, format!("the command in {container} of {pod} did not end in {seconds} s"));
        Err(Broken::unknown(fault.hint("it may still run there: nothing ends it from here")))
    })
}

/// The exit code that a status of the API speaks of.
fn exit_code(status: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Status) -> Option<i32> {
    let causes = status.details.as_ref()?.causes.as_ref()?;
    let code = causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"))?;
    code.message.as_ref()?.parse().ok()
}

/// The begin of an output, and whether there was more; all of it is read, lest the command wait for a reader.
async fn kept(from: Option<impl AsyncRead + Unpin>) -> (String, bool) {
    let Some(mut from) = from else { return (String::new(), false) };
    let (mut kept, mut more) = (Vec::new(), false);
    let mut part = vec![0; 8192];
    while let Ok(count) = from.read(&mut part).await {
        if count == 0 {
            break;
        }
        let room = KEPT.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&part[..room]);
        more |= room < count;
    }
    (String::from_utf8_lossy(&kept).into_owned(), more)
}
