//! What IAM has to allow for each action, as the policy that grants it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

/// IAM's actions, and on what.
type Rule = (&'static [&'static str], &'static str);

const SERVICE: &str = "arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/SERVICE";
const FAMILY: &str = "arn:aws:ecs:REGION:ACCOUNT:task-definition/FAMILY:*";
const TABLE: &str = "arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE";
const FUNCTION: &str = "arn:aws:lambda:REGION:ACCOUNT:function:FUNCTION";
/// The roles of the tasks, which a new revision hands on.
const ROLE: &str = "arn:aws:iam::ACCOUNT:role/TASK-ROLE";
const PASS: &str = "iam:PassRole";

fn rules(action: &str) -> &'static [Rule] {
    match action {
        "cloudwatch.alarm_state" => &[(&["cloudwatch:DescribeAlarms"], "arn:aws:cloudwatch:REGION:ACCOUNT:alarm:*")],
        // CloudWatch knows no narrower one.
        "cloudwatch.metric" => &[(&["cloudwatch:GetMetricData"], "*")],
        "ecs.wait_stable" => &[(&["ecs:DescribeServices"], SERVICE)],
        "ecs.stop_service" | "ecs.start_service" => &[(&["ecs:DescribeServices", "ecs:UpdateService"], SERVICE)],
        "ecs.update_task_definition" => &[
            (&["ecs:DescribeServices", "ecs:UpdateService"], SERVICE),
            // ECS knows no narrower one for reading.
            (&["ecs:DescribeTaskDefinition"], "*"),
            // The tags of the revision before go with it.
            (&["ecs:RegisterTaskDefinition", "ecs:TagResource"], FAMILY),
            (&[PASS], ROLE),
        ],
        "dynamodb.delete_items" => &[(&["dynamodb:BatchWriteItem", "dynamodb:DescribeTable", "dynamodb:Query"], TABLE)],
        "dynamodb.restore_items" => &[(&["dynamodb:PutItem", "dynamodb:Query"], TABLE)],
        "lambda.invoke" => &[(&["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"], FUNCTION)],
        _ => &[],
    }
}

/// The policy that lets these actions be run, and nothing else: a JSON document of IAM, with words in capitals where the
/// account's own names go. None where none of them is about AWS.
pub fn policy<'a>(actions: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut allowed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (names, resource) in actions.into_iter().flat_map(rules) {
        allowed.entry(resource).or_default().extend(*names);
    }
    if allowed.is_empty() {
        return None;
    }
    let statement = |(resource, names): (&&str, &BTreeSet<&str>)| {
        let mut one = json!({ "Effect": "Allow", "Action": names, "Resource": resource });
        if names.contains(PASS) {
            one["Condition"] = json!({ "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
        }
        one
    };
    let statements: Vec<Json> = allowed.iter().map(statement).collect();
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    serde_json::to_string_pretty(&document).ok().map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::Action;

    /// The actions on AWS, by the first part of their names.
    fn on_aws() -> impl Iterator<Item = &'static &'static str> {
        let services = ["cloudwatch.", "ecs.", "dynamodb.", "lambda."];
        Action::NAMES.iter().filter(move |name| services.iter().any(|service| name.starts_with(service)))
    }

    #[test]
    fn every_action_on_aws_has_its_policy_and_what_reads_may_not_write() {
        let mut many = 0;
        for name in on_aws() {
            let policy: Json = serde_json::from_str(&policy([*name]).expect(name)).expect("JSON");
            let statements = policy["Statement"].as_array().expect("a list");
            let reads = ["Describe", "Get", "Query"];
            let names = statements.iter().flat_map(|one| one["Action"].as_array().expect("a list"));
            let verbs = names.filter_map(|name| name.as_str()?.split(':').nth(1));
            let writes = verbs.filter(|verb| !reads.iter().any(|read| verb.starts_with(read))).count() > 0;
            let acts = crate::fakes::sample(name).expect(name).effect() != crate::Effect::Read;
            assert_eq!(writes, acts, "{name}");
            many += 1;
        }
        assert!(many >= 9, "{many}");
        assert_eq!(policy(["wait"]), None);
    }

    #[test]
    fn what_several_need_is_one_statement_for_each_resource() {
        let text = policy(["ecs.stop_service", "ecs.wait_stable", "lambda.invoke"]).expect("a policy");
        assert_eq!(text.matches("ecs:DescribeServices").count(), 1, "{text}");
        assert_eq!(text.matches("\"Resource\"").count(), 2, "{text}");
    }
}
