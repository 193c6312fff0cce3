//! Units of systemd, over its own interface and not by a command line.

mod act;
mod status;
#[cfg(test)]
mod tests;
mod unit;

use crate::context::Context;
use crate::fault::{Fault, Kind};
use crate::ports::host::UnitState;

pub use act::{Restart, Start, Stop};
pub use status::Status;
pub use unit::Unit;

/// Reads a unit that has to exist.
async fn existing(context: &Context, unit: &Unit) -> Result<UnitState, Fault> {
    let units = context.units()?;
    let state = units.unit(unit.name()).await?;
    match state.load.as_str() {
        "not-found" => Err(Fault::new(Kind::Missing, format!("there is no unit {unit} on {}", units.place()))
            .hint("`systemctl list-unit-files` lists those that there are")),
        _ => Ok(state),
    }
}
