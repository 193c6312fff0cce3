//! Whether the whole of a plan can be paid: each part was looked at alone.

use crate::Context;
use crate::actions::Spend;
use crate::fault::{Fault, Kind};
use crate::ports::{Call, Interface, Read};
use crate::transact::too_poor;
use crate::value::{H160, U256, Value};
use crate::vrf_runbook::decode;
use crate::vrf_runbook::facts::Scene;

/// Refuses a plan of which the payer could only pay a part.
pub async fn all(context: &Context, scene: &Scene, spend: &Spend) -> Result<(), Fault> {
    let native = one(context, scene, Read::Balance(spend.signer)).await?.uint()?;
    enough(spend.signer, native, spend.native_total(), &spend.native)?;
    if spend.link.is_zero() {
        return Ok(());
    }
    let coordinator = &scene.coordinator;
    let token = ask(coordinator.address, decode::interface(coordinator.version), "LINK", Vec::new());
    let token = one(context, scene, token).await?.address()?;
    let held = ask(token, Interface::Link, "balanceOf", vec![Value::Address(spend.signer)]);
    enough(spend.signer, one(context, scene, held).await?.uint()?, spend.link, "LINK")
}

fn enough(payer: H160, held: U256, needed: U256, symbol: &str) -> Result<(), Fault> {
    if held < needed { Err(too_poor(payer, held, needed, symbol)) } else { Ok(()) }
}

fn ask(to: H160, interface: Interface, function: &'static str, args: Vec<Value>) -> Read {
    Read::Call { to, call: Call { interface, function, args } }
}

async fn one(context: &Context, scene: &Scene, read: Read) -> Result<Value, Fault> {
    let answer = context.chain()?.snapshot(&scene.block, vec![read]).await.pop();
    answer.unwrap_or_else(|| Err(Fault::new(Kind::Failed, "was not asked")))
}
