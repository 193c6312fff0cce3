//! Hashes of blocks, within the 256 that the chain remembers and beyond, on the real BlockhashStore.

use serde_json::json;

use super::*;
use crate::support::bed::folder;

/// The bytecode of a contract that the bed compiled.
fn bytecode(name: &str) -> String {
    for entry in std::fs::read_dir(folder()).expect("the bed").flatten() {
        let path = entry.path();
        let cached = path.file_name().is_some_and(|file| file.to_string_lossy().starts_with("contracts-"));
        if !cached {
            continue;
        }
        let Some(text) = std::fs::read_to_string(&path).ok().filter(|_| path.extension().is_some()) else { continue };
        let Ok(all) = serde_json::from_str::<Value>(&text) else { continue };
        if let Some(code) = all[name]["bytecode"].as_str() {
            return if code.starts_with("0x") { code.to_owned() } else { format!("0x{code}") };
        }
    }
    panic!("the bed has not compiled {name}")
}

fn deploy(bed: &Bed, code: &str) -> String {
    let hash = bed.rpc("eth_sendTransaction", &json!([{ "from": DEPLOYER, "data": code, "gas": "0x4c4b40" }]));
    let mut receipt = Value::Null;
    wait_until("it is mined", || {
        receipt = bed.rpc("eth_getTransactionReceipt", &json!([hash]));
        !receipt.is_null()
    });
    receipt["contractAddress"].as_str().expect("deployed").to_owned()
}

/// The second of anvil's accounts.
const DEPLOYER: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

fn stores(bed: &Bed) -> (String, String) {
    let store = deploy(bed, &bytecode("BlockhashStore"));
    let batch = deploy(bed, &format!("{}000000000000000000000000{}", bytecode("BatchBlockhashStore"), &store[2..]));
    (store, batch)
}

fn hash_of(bed: &Bed, block: u64) -> String {
    let block = bed.rpc("eth_getBlockByNumber", &json!([format!("{block:#x}"), false]));
    block["hash"].as_str().expect("a hash").to_owned()
}

/// `getBlockhash(uint256)`.
fn stored(bed: &Bed, store: &str, block: u64) -> String {
    let data = format!("0xe9413d38{block:064x}");
    bed.rpc("eth_call", &json!([{ "to": store, "data": data }, "latest"])).as_str().expect("hex").to_owned()
}

#[test]
fn a_block_that_the_chain_remembers_is_stored_at_once_and_only_once() {
    let bed = fresh();
    let (store, _) = stores(&bed);
    bed.rpc("anvil_mine", &json!(["0x64"]));
    let person = Person::at(&bed.url, None);
    let words = ["chain.store_blockhash", "--store", &store, "--block", "40"];
    let ran = person.agreed(&words);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(stored(&bed, &store, 40), hash_of(&bed, 40));
    let again = person.agreed(&words);
    assert!(again.code == 0 && again.json()["data"]["plan"]["transactions"] == 0, "{again:?}");
    assert_eq!(nonce(&bed), 1);
    let future = person.agreed(&["chain.store_blockhash", "--store", &store, "--block", "100000"]);
    assert!(future.code == 69 && future.err.contains("not there yet"), "{future:?}");
}

#[test]
fn an_older_one_is_walked_back_to_over_headers_that_hash_to_their_blocks() {
    let bed = fresh();
    let (store, batch) = stores(&bed);
    bed.rpc("anvil_mine", &json!(["0x1a4"]));
    let person = Person::at(&bed.url, None);
    let head = number(&bed.rpc("eth_blockNumber", &json!([])));
    let words = ["chain.store_blockhash", "--store", &store, "--block", "40", "--batch", &batch];
    let dry = person.act(&[&words[..], &["--dry-run", "--json"]].concat());
    assert_eq!(
        dry.json()["data"]["plan"]["transactions"],
        4,
        "the earliest, and {} headers by 60: {dry:?}",
        head - 256 - 40
    );
    let ran = person.agreed(&words);
    assert_eq!(ran.code, 0, "{ran:?}");
    for block in [40, 41, 100] {
        assert_eq!(stored(&bed, &store, block), hash_of(&bed, block), "{block}");
    }
    // From the nearest that is stored, one by one where there is no batch.
    let ran = person.agreed(&["chain.store_blockhash", "--store", &store, "--block", "38"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["data"]["actions"][0]["transactions"].as_array().map(Vec::len), Some(2));
    assert_eq!(stored(&bed, &store, 38), hash_of(&bed, 38));
}

#[test]
fn a_header_that_does_not_hash_to_its_block_is_a_fault_that_names_it() {
    let bed = fresh();
    let (store, _) = stores(&bed);
    bed.rpc("anvil_mine", &json!(["0x14"]));
    let port = bed.port;
    let lying = Server::start(move |body| {
        let answer = post(port, body).replace("\"gasUsed\":\"0x0\"", "\"gasUsed\":\"0x1\"");
        Some(http(200, "application/json", answer.as_bytes()))
    });
    let person = Person::at(&format!("http://127.0.0.1:{}", lying.port), None);
    let ran = person.agreed(&["chain.store_blockhash", "--store", &store, "--block", "10"]);
    assert!(ran.code == 69 && ran.err.contains("block 10"), "{ran:?}");
    assert!(person.journal().is_empty());
}

#[test]
fn headers_are_rebuilt_as_each_fork_of_the_chain_hashes_them() {
    for fork in ["london", "paris", "shanghai", "cancun", "prague"] {
        let bed = Bed::fresh(&["--chain-id", "31337", "--hardfork", fork]);
        let (store, _) = stores(&bed);
        bed.rpc("anvil_mine", &json!(["0x14"]));
        let person = Person::at(&bed.url, None);
        let words = ["chain.store_blockhash", "--store", &store, "--block", "10", "--dry-run", "--json"];
        let ran = person.act(&words);
        assert_eq!(ran.code, 0, "{fork}: {ran:?}");
        assert_eq!(ran.json()["data"]["plan"]["changes"][0]["after"], hash_of(&bed, 10).as_str(), "{fork}");
    }
}
