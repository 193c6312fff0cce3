//! The signature of a message of SNS: RSA over named fields, with SHA-1 (version 1) or SHA-256 (version 2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use x509_parser::prelude::{FromDer as _, X509Certificate, parse_x509_pem};

use super::Message;

/// The URL of a certificate, where it can only be one of SNS: `https://sns.REGION.amazonaws.com/….pem`.
pub(super) fn certificate_url(text: &str) -> Result<Url, String> {
    let wrong = |why: &str| Err(format!("the URL of the certificate {why}"));
    let Ok(url) = Url::parse(text) else { return wrong("is no URL") };
    if url.scheme() != "https" || url.port().is_some() {
        return wrong("is not https on its own port");
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() || url.query().is_some() {
        return wrong("holds more than host and path");
    }
    if !url.host_str().is_some_and(is_sns) {
        return wrong("does not lead to SNS");
    }
    if url.path().rsplit_once('.').is_none_or(|(_, ending)| ending != "pem") {
        return wrong("does not end in .pem");
    }
    Ok(url)
}

fn is_sns(host: &str) -> bool {
    let region = host
        .strip_prefix("sns.")
        .and_then(|rest| rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn")));
    region.is_some_and(|region| region.len() >= 3 && region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
}

/// Whether a message is signed by the certificate, which must hold at `now`.
pub(super) fn check(message: &Message, pem: &[u8], now: u64) -> Result<(), String> {
    let algorithm: &'static RsaParameters = match message.signature_version.as_str() {
        "1" => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        "2" => &RSA_PKCS1_2048_8192_SHA256,
        _ => return Err("its signature is of an unknown version".to_owned()),
    };
    let signature = STANDARD.decode(&message.signature).map_err(|_| "its signature is no base64".to_owned())?;
    let signed = signed(message).ok_or_else(|| "it lacks a field that its type signs".to_owned())?;
    let (_, pem) = parse_x509_pem(pem).map_err(|_| "the certificate is no PEM".to_owned())?;
    let (_, certificate) =
        X509Certificate::from_der(&pem.contents).map_err(|_| "the certificate is none".to_owned())?;
    let validity = certificate.validity();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    if now < validity.not_before.timestamp() || now > validity.not_after.timestamp() {
        return Err("the certificate does not hold at this time: is the clock wrong?".to_owned());
    }
    let key = &certificate.public_key().subject_public_key.data;
    let verified = UnparsedPublicKey::new(algorithm, key).verify(signed.as_bytes(), &signature);
    verified.map_err(|_| "its signature is not right".to_owned())
}

/// The text that is signed: names and values, each on a line of its own.
fn signed(message: &Message) -> Option<String> {
    let mut lines = vec![("Message", message.text.as_str()), ("MessageId", &message.id)];
    if message.kind == "Notification" {
        lines.extend(message.subject.as_deref().map(|subject| ("Subject", subject)));
    } else {
        lines.push(("SubscribeURL", message.subscribe.as_deref()?));
    }
    lines.push(("Timestamp", &message.timestamp));
    if message.kind != "Notification" {
        lines.push(("Token", message.token.as_deref()?));
    }
    lines.extend([("TopicArn", message.topic_arn.as_str()), ("Type", &message.kind)]);
    Some(lines.into_iter().flat_map(|(name, value)| [name, "\n", value, "\n"]).collect())
}

#[cfg(test)]
mod tests {
    use super::certificate_url;

    #[test]
    fn only_sns_itself_gives_certificates() {
        for good in [
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abcd.pem",
            "https://sns.cn-north-1.amazonaws.com.cn/a.pem",
            "https://SNS.us-gov-west-1.amazonaws.com:443/a.pem",
        ] {
            assert!(certificate_url(good).is_ok(), "{good}");
        }
        for wrong in [
            "",
            "http://sns.eu-west-1.amazonaws.com/a.pem",
            "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
            "https://u@sns.eu-west-1.amazonaws.com/a.pem",
            "https://u:p@sns.eu-west-1.amazonaws.com/a.pem",
            "https://sns.eu-west-1.amazonaws.com/a.pem#.pem",
            "https://sns.eu-west-1.amazonaws.com/a?x=.pem",
            "https://sns.eu-west-1.amazonaws.com/a.crt",
            "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
            "https://sns.eu-west-1.amazonaws.com.cn.evil.example/a.pem",
            "https://sns.a.b.amazonaws.com/a.pem",
            "https://sns.eu.amazonaws.com/a.pem",
            "https://sns.amazonaws.com/a.pem",
            "https://evilsns.eu-west-1.amazonaws.com/a.pem",
            "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem",
            "https://sns.eu-west-1.amazonaws.com\\@evil.example/a.pem#",
            "https://169.254.169.254/a.pem",
            "file:///etc/a.pem",
        ] {
            assert!(certificate_url(wrong).is_err(), "{wrong}");
        }
    }
}
