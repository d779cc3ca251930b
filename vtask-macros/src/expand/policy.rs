//! The policy of a step or callback.

use proc_macro2::TokenStream;
use quote::quote;

use super::Root;
use crate::model::{Period, Policy, Retry};

/// Prints a policy.
pub(super) fn policy(root: Root<'_>, policy: &Policy) -> TokenStream {
    let Policy { retry, period, timeout_ms, pauses } = policy;
    let private = root.private();
    let retry = match retry {
        Retry::Times(times) => quote!(#private::Retry::Times(#times)),
        Retry::Always => quote!(#private::Retry::Always),
    };
    let period = match period {
        Period { first_ms, longest_ms } if first_ms == longest_ms => {
            quote!(#private::Period::fixed(#first_ms))
        }
        Period { first_ms, longest_ms } => {
            quote!(#private::Period::doubling(#first_ms, #longest_ms))
        }
    };
    let timeout = option(timeout_ms.map(|ms| quote!(::core::time::Duration::from_millis(#ms))));
    let on_exhausted = if *pauses { quote!(Pause) } else { quote!(Fail) };
    quote! {
        #private::Policy {
            retry: #retry,
            period: #period,
            timeout: #timeout,
            on_exhausted: #private::OnExhausted::#on_exhausted,
        }
    }
}

/// Prints an `Option`.
pub(super) fn option(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(|| quote!(::core::option::Option::None), |value| quote!(::core::option::Option::Some(#value)))
}
