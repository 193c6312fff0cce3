//! DynamoDB.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeValue, DeleteRequest, KeyType, ScalarAttributeType, TableDescription, WriteRequest,
};
use ira_commands::actions::Broken;
use ira_commands::ports::aws::{Account, DynamoRead, DynamoWrite, Found, KeyKind, KeyQuery, SortBy, TableKeys};
use ira_commands::{Fault, Kind};
use serde_json::{Value as Json, json};

use super::answer::Refusal;
use super::{Aws, item};

/// The part of a table's key that is of this type.
fn part(table: &TableDescription, of: &KeyType) -> Option<(String, KeyKind)> {
    let name = table.key_schema().iter().find(|one| one.key_type() == of)?.attribute_name();
    let kind = table.attribute_definitions().iter().find(|one| one.attribute_name() == name)?;
    let kind = match kind.attribute_type() {
        ScalarAttributeType::S => KeyKind::Text,
        ScalarAttributeType::N => KeyKind::Number,
        ScalarAttributeType::B => KeyKind::Bytes,
        _ => return None,
    };
    Some((name.to_owned(), kind))
}

fn value(kind: KeyKind, text: &str) -> Result<AttributeValue, Fault> {
    item::attribute(&json!({ kind.letter(): text }))
        .ok_or_else(|| Fault::new(Kind::Usage, "a key of bytes is given in base64"))
}

fn unreadable(place: &str) -> Fault {
    Fault::new(Kind::BadAnswer, format!("AWS ({place}) gives an item of which not every value is known"))
        .hint("nothing was done")
}

#[async_trait]
impl DynamoRead for Aws {
    async fn table(&self, account: Account<'_>, table: &str) -> Result<TableKeys, Fault> {
        let connection = self.connection(account).await?;
        let request = Client::new(&connection.reads).describe_table().table_name(table);
        let answer = connection.ask("dynamodb:DescribeTable", request.send()).await?;
        let told = answer.table().and_then(|table| {
            Some(TableKeys {
                status: table.table_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
                partition: part(table, &KeyType::Hash)?,
                sort: part(table, &KeyType::Range),
            })
        });
        told.ok_or_else(|| {
            Fault::new(Kind::BadAnswer, format!("AWS ({}) says nothing of the keys of {table}", connection.place))
        })
    }

    async fn query(&self, account: Account<'_>, query: &KeyQuery) -> Result<Found, Fault> {
        let connection = self.connection(account).await?;
        let mut condition = "#p = :p".to_owned();
        let (name, kind) = &query.keys.partition;
        let mut names: HashMap<String, String> = [("#p".to_owned(), name.clone())].into();
        let mut values: HashMap<String, AttributeValue> = [(":p".to_owned(), value(*kind, &query.partition)?)].into();
        if let (Some((name, kind)), Some(by)) = (&query.keys.sort, &query.sort) {
            let (more, text) = match by {
                SortBy::Is(text) => (" AND #s = :s", text),
                SortBy::Begins(text) => (" AND begins_with(#s, :s)", text),
                SortBy::Below(text) => (" AND #s < :s", text),
            };
            condition.push_str(more);
            names.insert("#s".to_owned(), name.clone());
            values.insert(":s".to_owned(), value(*kind, text)?);
        }
        let client = Client::new(&connection.reads);
        let mut found = Found::default();
        let mut after = None;
        loop {
            let left = query.most - found.items.len();
            let request = client
                .query()
                .table_name(&query.table)
                .consistent_read(true)
                .key_condition_expression(&condition)
                .set_expression_attribute_names(Some(names.clone()))
                .set_expression_attribute_values(Some(values.clone()))
                .limit(i32::try_from(left).unwrap_or(i32::MAX))
                .set_exclusive_start_key(after.take());
            let answer = connection.ask("dynamodb:Query", request.send()).await?;
            for one in answer.items() {
                found.items.push(item::json(one).ok_or_else(|| unreadable(&connection.place))?);
            }
            after = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if after.is_none() || found.items.len() >= query.most {
                found.more = after.is_some();
                return Ok(found);
            }
        }
    }
}

#[async_trait]
impl DynamoWrite for Aws {
    async fn delete(&self, account: Account<'_>, table: &str, keys: &[Json]) -> Result<Vec<Json>, Broken> {
        let connection = self.connection(account).await.map_err(Broken::before)?;
        let wrong = || Broken::before(Fault::new(Kind::Usage, "a key of DynamoDB cannot be read"));
        let mut requests = Vec::new();
        for key in keys {
            let delete = DeleteRequest::builder().set_key(item::item(key)).build().map_err(|_| wrong())?;
            requests.push(WriteRequest::builder().delete_request(delete).build());
        }
        let request = Client::new(&connection.writes).batch_write_item().request_items(table, requests);
        let sent = connection.tell("dynamodb:BatchWriteItem", || request.clone().send()).await;
        let left = sent.map_err(Refusal::broken)?.unprocessed_items.unwrap_or_default();
        let key = |one: &WriteRequest| item::json(one.delete_request()?.key());
        // What was not taken and cannot be read would be forgotten.
        let all: Option<Vec<Json>> = left.values().flatten().map(key).collect();
        all.ok_or_else(|| Broken::unknown(unreadable(&connection.place)))
    }

    async fn put_new(&self, account: Account<'_>, table: &str, key: &[&str], new: &Json) -> Result<bool, Broken> {
        let connection = self.connection(account).await.map_err(Broken::before)?;
        let wrong = || Broken::before(Fault::new(Kind::Usage, "what was kept is no item of DynamoDB"));
        let (Some(new), Some(first)) = (item::item(new), key.first()) else { return Err(wrong()) };
        let request = Client::new(&connection.writes)
            .put_item()
            .table_name(table)
            .set_item(Some(new))
            .condition_expression("attribute_not_exists(#p)")
            .expression_attribute_names("#p", *first);
        match connection.tell("dynamodb:PutItem", || request.clone().send()).await {
            Ok(_) => Ok(true),
            Err(Refusal::Refused(code, _)) if code == "ConditionalCheckFailedException" => Ok(false),
            Err(refusal) => Err(refusal.broken()),
        }
    }
}
