#[vtask::job]
struct Pay;

fn main() {}
