//! Jobs over a type, a number, and data that depends on them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use vtask::{Client, JobContext, job};

/// Takes money.
pub trait Bank: Send + Sync + 'static {
    /// What it gives for it.
    type Receipt: Serialize + DeserializeOwned + Send + Sync;

    /// Takes so much.
    fn charge(&self, cents: u64) -> Self::Receipt;
}

/// What is paid.
#[derive(Serialize, Deserialize, JobContext)]
pub struct Bill {
    cents: u64,
}

/// Pays at some bank.
pub struct Pay<B, const N: usize> {
    bank: B,
}

#[job(name = "pay", retry = 2)]
impl<B, const N: usize> Pay<B, N>
where
    B: Bank,
{
    /// Charges.
    #[step]
    pub async fn charge(&self, bill: &mut Bill) -> anyhow::Result<B::Receipt> {
        bill.cents += u64::try_from(N)?;
        Ok(self.bank.charge(bill.cents))
    }

    /// Gives the output that is there.
    #[step]
    pub fn count(&self, _charge: &B::Receipt) -> Result<usize, String> {
        Ok(N)
    }

    /// Names itself.
    #[step]
    pub async fn itself(&self, count: &usize) -> anyhow::Result<Option<<Self as vtask::Job>::Data>> {
        Ok((*count > 0).then_some(Bill { cents: 1 }))
    }
}

/// Has a name.
pub trait Named {
    /// The name.
    const NAME: &str;
}

/// Keeps receipts of a bank, under a name of its own.
pub struct File<B, R>(std::marker::PhantomData<fn() -> (B, R)>);

impl<B, R> Named for File<B, R> {
    const NAME: &str = "file";
}

impl File<u8, u16> {
    const LENGTH: usize = 2;
}

#[job]
impl<B: Bank + Into<Option<Box<Self>>>> File<B, B::Receipt>
where
    Self: Named,
{
    #[step]
    async fn label(&self) -> anyhow::Result<String> {
        Ok(Self::NAME.to_owned())
    }
}

#[job(name = "measure")]
impl Measure {
    #[step]
    async fn measure(&self) -> anyhow::Result<[u8; Self::LENGTH]> {
        Ok([0; _])
    }

    #[expect(clippy::unused_async, reason = "a lint that is expected is not spared before")]
    #[step]
    async fn again(&self) -> anyhow::Result<[u8; File::<u8, u16>::LENGTH]> {
        Ok([0; _])
    }
}

/// Measures.
pub struct Measure;

impl Measure {
    const LENGTH: usize = 3;
}

/// Data of any type.
#[derive(Serialize, Deserialize, JobContext)]
pub struct Wrapped<T>(T);

/// Keeps something of any type.
pub struct Keep<T>(std::marker::PhantomData<fn() -> T>);

#[job]
impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Keep<T> {
    #[step]
    async fn keep(&self, wrapped: &Wrapped<T>) -> anyhow::Result<usize> {
        Ok(size_of_val(&wrapped.0))
    }
}

/// Invokes both.
///
/// # Errors
///
/// What the client says.
pub async fn invoke<B: Bank>(client: &Client) -> anyhow::Result<usize> {
    let run = PayHandle::<B, 3>::new(client).invoke(Bill { cents: 7 }).await?;
    let receipt: Option<B::Receipt> = run.output(Pay::<B, 3>::CHARGE).await?;
    let context: PayContext<B, 3> = run.context().await?;
    drop((receipt, context.charge));
    KeepHandle::<u64>::new(client).invoke(Wrapped(7)).keyword("seven").await?;
    run.restart(Pay::COUNT).await?;
    Ok(run.output(Pay::COUNT).await?.unwrap_or_default())
}
