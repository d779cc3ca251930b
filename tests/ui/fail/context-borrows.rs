#[derive(serde::Serialize, vtask::JobContext)]
struct Order<'a> {
    card: &'a str,
}

fn main() {}
