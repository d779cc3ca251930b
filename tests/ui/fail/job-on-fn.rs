#[vtask::job]
fn pay() {}

fn main() {}
