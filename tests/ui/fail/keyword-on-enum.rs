#[derive(serde::Serialize, serde::Deserialize, vtask::JobContext)]
enum Order {
    #[context(keyword)]
    Card(u64),
    Cash {
        #[context(keyword)]
        cents: u64,
    },
}

fn main() {}
