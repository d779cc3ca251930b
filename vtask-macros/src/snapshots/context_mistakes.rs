//- all at once
#[context(crat = vtask)]
struct Order<'a, 'b> { #[context(keywrd)] id: &'a u64, #[context(keyword, keyword)] cents: u64, #[context()] x: u8, #[context] y: u8 }
//- an enum
enum Kind { One, #[context(keyword)] Two(#[context(keyword)] u8) }
//- a union
union U { a: u8 }
//- a crate in quotes
#[context(crate = "my::vtask")]
struct Order { id: u64 }
