//! What steps answer is kept for the steps after them: in the store where it is short, else in a file of which the store
//! has the digest.

use std::path::Path;

use ira_commands::{Fault, Kind};
use serde_json::{Value as Json, json};

use super::plan::digest;

/// The longest answer that the store keeps, bytes of JSON.
const SHORT: usize = 32 << 10;
/// The longest that is kept at all.
const LONGEST: usize = 16 << 20;

/// What the store keeps of an answer, and the file with the rest of it.
pub(super) fn keep(folder: &Path, name: &str, out: &Json) -> Result<(Json, Option<String>), Fault> {
    let text = out.to_string();
    if text.len() <= SHORT {
        return Ok((json!({ "out": out }), None));
    }
    let about = json!({ "sha256": digest(&text), "bytes": text.len() });
    if text.len() > LONGEST {
        return Ok((json!({ "out": Json::Null, "too_long": about }), None));
    }
    let failed = |error: std::io::Error| {
        Fault::new(Kind::Failed, "the answer of a step cannot be kept").because(error.to_string())
    };
    let folder = folder.join("outputs");
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') { c } else { '-' };
    let path = folder.join(format!("{}.json", name.chars().map(plain).collect::<String>()));
    let draft = path.with_extension("part");
    std::fs::write(&draft, text).and_then(|()| std::fs::rename(&draft, &path)).map_err(failed)?;
    Ok((about, Some(path.display().to_string())))
}

/// The answer again. One whose file is gone, or is another, is nothing: who needs it sees that.
pub(super) fn read(kept: &Json, file: Option<&str>) -> Json {
    let Some(file) = file else { return kept.get("out").cloned().unwrap_or_default() };
    let text = std::fs::read_to_string(file).ok().filter(|text| kept["sha256"] == json!(digest(text)));
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lesson_33_a_long_answer_is_a_file_of_which_the_store_has_the_digest() {
        let folder = tempfile::tempdir().expect("a folder");
        let short = json!({ "a": [1, 2] });
        let (kept, file) = keep(folder.path(), "1", &short).expect("kept");
        assert_eq!((read(&kept, file.as_deref()), file), (short, None));
        let long = json!("x".repeat(SHORT));
        let (kept, file) = keep(folder.path(), "../2", &long).expect("kept");
        let path = file.expect("beside the store");
        assert!(kept.to_string().len() < 200 && Path::new(&path).starts_with(folder.path()), "{path}");
        assert_eq!(read(&kept, Some(&path)), long);
        std::fs::write(&path, "\"changed\"").expect("written");
        assert_eq!(read(&kept, Some(&path)), Json::Null, "another text is none");
        let (kept, file) = keep(folder.path(), "3", &json!("x".repeat(LONGEST))).expect("kept");
        assert_eq!((read(&kept, None), file), (Json::Null, None));
    }
}
