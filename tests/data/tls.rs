//! Servers that speak TLS: only one whose certificate is sound is told the password.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::bed::{Postgres, Redis};
use super::*;

/// PEM of an authority, and of a certificate of this name that it signed, with its key.
fn signed(name: &str) -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::new()).expect("no name");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed");
    let key = KeyPair::generate().expect("a key");
    let own =
        CertificateParams::new(vec![name.to_owned()]).expect("a name").signed_by(&key, &authority).expect("signed");
    (authority.pem(), own.pem(), key.serialize_pem())
}

/// What is said where the certificate is of another authority, of another name, and where it is sound.
fn each_is_told_apart(person: &Person, words: &[&str], tables: impl Fn(&str, &str) -> String) {
    let said = |host: &str, ca: &str| {
        configure(person, &tables(host, ca));
        let ran = person.act(words);
        is_secret(person, &ran);
        ran
    };
    let (other, ..) = signed("localhost");
    person.write("other.pem", &other, 0o644);
    let stranger = said("localhost", "ca = \"@/other.pem\"\n");
    assert!(stranger.code == 69 && stranger.err.contains("certificate"), "{stranger:?}");
    let unknown = said("localhost", "");
    assert_eq!(unknown.code, 69, "no authority of this machine signed it: {unknown:?}");
    let named = said("127.0.0.1", "ca = \"@/ca.pem\"\n");
    assert_eq!(named.code, 69, "it is of another name: {named:?}");
    let missing = said("localhost", "ca = \"@/none.pem\"\n");
    assert_eq!(missing.code, 78, "{missing:?}");
    let sound = said("localhost", "ca = \"@/ca.pem\"\n");
    assert_eq!(sound.code, 0, "{sound:?}");
}

#[test]
fn a_postgres_whose_certificate_is_not_sound_is_not_spoken_with() {
    let Some(mut bed) = Postgres::start(20) else { return };
    let (authority, own, key) = signed("localhost");
    bed.secure(&own, &key);
    let person = person("");
    person.write("ca.pem", &authority, 0o644);
    let port = bed.port;
    each_is_told_apart(&person, &["postgres.connections", "--server", "shop"], |host, ca| {
        format!(
            "[postgres.shop]\nurl = \"postgresql://ira@{host}:{port}/postgres?sslmode=verify-full\"\n\
             password = \"file:@/secret\"\n{ca}"
        )
    });
    assert_eq!(bed.sql("SHOW ssl"), "on");
}

#[test]
fn a_redis_whose_certificate_is_not_sound_is_not_spoken_with() {
    let (authority, own, key) = signed("localhost");
    let Some((bed, port)) = Redis::secure(&own, &key) else { return };
    let person = person("");
    person.write("ca.pem", &authority, 0o644);
    bed.grant(&policy(&person, "redis.info"), "page:*");
    each_is_told_apart(&person, &["redis.info", "--server", "pages"], |host, ca| {
        format!("[redis.pages]\nurl = \"rediss://ira@{host}:{port}/0\"\npassword = \"file:@/secret\"\n{ca}")
    });
}
