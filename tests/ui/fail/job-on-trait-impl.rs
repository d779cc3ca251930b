struct Pay;

#[vtask::job]
impl Clone for Pay {
    fn clone(&self) -> Self {
        Pay
    }
}

fn main() {}
