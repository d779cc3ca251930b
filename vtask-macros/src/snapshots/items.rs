//- a struct
struct A;
//- a function
pub async fn a() {}
//- a trait
trait A { #[step] fn a(); }
//- the impl of a trait
impl Job for A { #[step] async fn a(&self) -> R<u8> {} }
//- no steps
impl A { fn a(&self) {} }
//- no steps, but a callback, on a type without a name
impl [u8] { #[on_success] async fn a(&self) -> R<u8> {} }
//- a step that is wrong is a step
impl A { #[step(retry = x)] async fn a(&self) -> R<u8> {} }
//- a job that borrows
impl<'a> A<'a> { #[step] async fn a(&self) -> R<u8> {} }
//- a job that borrows silently
impl A<'_> { #[step] async fn a(&self) -> R<u8> {} }
