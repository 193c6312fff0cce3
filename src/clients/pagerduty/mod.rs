//! PagerDuty: events that page, and the REST API of incidents and their notes.

mod events;
mod rest;

pub use events::Events;
pub use rest::Rest;
