//! Whose credential it is: what needs no permission, and shows that one is taken.

use aws_sdk_sts::Client;
use ira_commands::Fault;
use ira_commands::ports::aws::Account;

use super::Aws;

impl Aws {
    /// Where it is, and whom AWS takes the credential for.
    pub async fn who(&self, account: Account<'_>) -> Result<(String, String), Fault> {
        let connection = self.connection(account).await?;
        let request = Client::new(&connection.reads).get_caller_identity();
        let answer = connection.ask("sts:GetCallerIdentity", request.send()).await?;
        Ok((connection.place.clone(), connection.said(answer.arn().unwrap_or("nobody"))))
    }
}
