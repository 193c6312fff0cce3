//! `dynamodb.…`: items by their key, deleted after they were kept, and put back.

mod delete;
mod kept;
mod restore;

pub use delete::DeleteItems;
pub use restore::RestoreItems;
