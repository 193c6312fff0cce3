//! Lambda.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::Builder;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, LogType};
use aws_smithy_types::timeout::TimeoutConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ira_commands::actions::Broken;
use ira_commands::ports::aws::{Account, Function, FunctionName, Invoked, LambdaRead, LambdaWrite};
use ira_commands::{Fault, Kind};
use serde_json::Value as Json;

use super::Aws;
use super::answer::Refusal;

/// The most of an answer that is kept, bytes.
const KEPT: usize = 64 * 1024;

#[async_trait]
impl LambdaRead for Aws {
    async fn function(&self, account: Account<'_>, name: &FunctionName) -> Result<Function, Fault> {
        let connection = self.connection(account).await?;
        let request = Client::new(&connection.reads)
            .get_function_configuration()
            .function_name(&name.name)
            .set_qualifier(name.qualifier.clone());
        let answer = connection.ask("lambda:GetFunctionConfiguration", request.send()).await?;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Ok(Function {
            arn: text(answer.function_arn()),
            version: text(answer.version()),
            code: text(answer.code_sha256()),
            state: answer.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
            timeout: answer.timeout().and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or_default(),
        })
    }
}

#[async_trait]
impl LambdaWrite for Aws {
    async fn invoke(
        &self,
        account: Account<'_>,
        name: &FunctionName,
        payload: &Json,
        seconds: u64,
    ) -> Result<Invoked, Broken> {
        let connection = self.connection(account).await.map_err(Broken::before)?;
        let request = Client::new(&connection.writes)
            .invoke()
            .function_name(&name.name)
            .set_qualifier(name.qualifier.clone())
            .invocation_type(InvocationType::RequestResponse)
            .log_type(LogType::Tail)
            .payload(Blob::new(payload.to_string()));
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(seconds)).build();
        let sent = connection
            .tell("lambda:InvokeFunction", || {
                let timeouts = Builder::default().timeout_config(timeouts.clone());
                request.clone().customize().config_override(timeouts).send()
            })
            .await;
        let answer = sent.map_err(Refusal::broken)?;
        let output = answer.payload().map(AsRef::as_ref).unwrap_or_default();
        let head = &output[..output.len().min(KEPT)];
        let log = answer.log_result().and_then(|log| STANDARD.decode(log).ok()).unwrap_or_default();
        let text = |bytes: &[u8]| connection.masked(&String::from_utf8_lossy(bytes));
        if answer.status_code() != 200 {
            let why = format!("AWS ({}) answers {} to a call of the {name}", connection.place, answer.status_code());
            return Err(Broken::unknown(Fault::new(Kind::BadAnswer, why)));
        }
        Ok(Invoked {
            error: answer.function_error().map(str::to_owned),
            output: text(head),
            cut: output.len() > KEPT,
            version: answer.executed_version().unwrap_or_default().to_owned(),
            log: text(&log),
        })
    }
}
