//! What a statement is given, borrowed from whoever calls, and how each driver takes it.

use std::borrow::Cow;

use sea_orm::sqlx::Arguments;
use sea_orm::sqlx::error::BoxDynError;
use sea_orm::{DbErr, Value, Values};

/// One parameter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Param<'a> {
    Big(Option<i64>),
    Int(Option<i32>),
    Text(Option<Cow<'a, str>>),
    Bytes(Option<Cow<'a, [u8]>>),
    /// A column of a batch.
    #[cfg(feature = "postgres")]
    Array(Array<'a>),
}

/// What only PostgreSQL takes.
#[cfg(feature = "postgres")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Array<'a> {
    Bigs(Vec<i64>),
    Ints(Vec<i32>),
    Texts(Vec<&'a str>),
    Blobs(Vec<&'a [u8]>),
}

impl Param<'_> {
    /// The parameters of a statement of sea-orm; only of the kinds that are used here.
    pub(crate) fn all_of(values: Option<Values>) -> Result<Vec<Self>, DbErr> {
        values.into_iter().flat_map(|values| values.0).map(Self::of).collect()
    }

    fn of(value: Value) -> Result<Self, DbErr> {
        Ok(match value {
            Value::BigInt(number) => Self::Big(number),
            Value::Int(number) => Self::Int(number),
            Value::String(text) => Self::Text(text.map(Cow::Owned)),
            Value::Bytes(bytes) => Self::Bytes(bytes.map(Cow::Owned)),
            other => return Err(DbErr::Type(format!("no statement here takes {other:?}"))),
        })
    }

    /// Roughly how many bytes it is written out in.
    fn bytes(&self) -> usize {
        /// A number, or what is around a text.
        const SMALL: usize = 16;
        match self {
            Self::Text(Some(text)) => SMALL + text.len(),
            Self::Bytes(Some(bytes)) => SMALL + bytes.len(),
            #[cfg(feature = "postgres")]
            Self::Array(Array::Texts(texts)) => texts.iter().map(|text| SMALL + text.len()).sum(),
            #[cfg(feature = "postgres")]
            Self::Array(Array::Blobs(blobs)) => blobs.iter().map(|bytes| SMALL + bytes.len()).sum(),
            #[cfg(feature = "postgres")]
            Self::Array(Array::Bigs(numbers)) => SMALL * numbers.len(),
            #[cfg(feature = "postgres")]
            Self::Array(Array::Ints(numbers)) => SMALL * numbers.len(),
            Self::Big(_) | Self::Int(_) | Self::Text(None) | Self::Bytes(None) => SMALL,
        }
    }

    /// For a transaction of sea-orm.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Big(number) => Value::BigInt(number),
            Self::Int(number) => Value::Int(number),
            Self::Text(text) => Value::String(text.map(Cow::into_owned)),
            Self::Bytes(bytes) => Value::Bytes(bytes.map(Cow::into_owned)),
            #[cfg(feature = "postgres")]
            Self::Array(array) => array.into_value(),
        }
    }
}

#[cfg(feature = "postgres")]
impl Array<'_> {
    fn into_value(self) -> Value {
        use sea_orm::sea_query::ArrayType;

        let (of, values): (_, Vec<Value>) = match self {
            Self::Bigs(numbers) => (ArrayType::BigInt, numbers.into_iter().map(Value::from).collect()),
            Self::Ints(numbers) => (ArrayType::Int, numbers.into_iter().map(Value::from).collect()),
            Self::Texts(texts) => (ArrayType::String, texts.into_iter().map(Value::from).collect()),
            Self::Blobs(blobs) => (ArrayType::Bytes, blobs.into_iter().map(|bytes| bytes.to_vec().into()).collect()),
        };
        Value::Array(of, Some(Box::new(values)))
    }
}

/// Writes the parameters out for a driver; a macro, because each has types of its own for them.
macro_rules! arguments {
    ($of:ty, $params:expr, |$arguments:ident, $array:ident| $add_array:expr) => {{
        let params: Vec<Param<'_>> = $params;
        let mut $arguments = <$of>::default();
        // Else a large batch is copied each time the buffer has to grow.
        $arguments.reserve(params.len(), params.iter().map(Param::bytes).sum());
        for param in params {
            match param {
                Param::Big(number) => $arguments.add(number)?,
                Param::Int(number) => $arguments.add(number)?,
                Param::Text(text) => $arguments.add(text.as_deref())?,
                Param::Bytes(bytes) => $arguments.add(bytes.as_deref())?,
                #[cfg(feature = "postgres")]
                Param::Array($array) => $add_array,
            }
        }
        Ok($arguments)
    }};
}

#[cfg(feature = "sqlite")]
pub(super) fn of_sqlite(params: Vec<Param<'_>>) -> Result<sea_orm::sqlx::sqlite::SqliteArguments, BoxDynError> {
    arguments!(sea_orm::sqlx::sqlite::SqliteArguments, params, |_arguments, array| return Err(refused(&array)))
}

#[cfg(feature = "mysql")]
pub(super) fn of_mysql(params: Vec<Param<'_>>) -> Result<sea_orm::sqlx::mysql::MySqlArguments, BoxDynError> {
    arguments!(sea_orm::sqlx::mysql::MySqlArguments, params, |_arguments, array| return Err(refused(&array)))
}

#[cfg(feature = "postgres")]
pub(super) fn of_postgres(params: Vec<Param<'_>>) -> Result<sea_orm::sqlx::postgres::PgArguments, BoxDynError> {
    arguments!(sea_orm::sqlx::postgres::PgArguments, params, |arguments, array| match array {
        Array::Bigs(numbers) => arguments.add(numbers)?,
        Array::Ints(numbers) => arguments.add(numbers)?,
        Array::Texts(texts) => arguments.add(texts)?,
        Array::Blobs(blobs) => arguments.add(blobs)?,
    })
}

#[cfg(all(feature = "postgres", any(feature = "sqlite", feature = "mysql")))]
fn refused(array: &Array<'_>) -> BoxDynError {
    format!("only PostgreSQL takes {array:?}").into()
}
