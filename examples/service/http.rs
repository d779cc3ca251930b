//! What the service answers. Each answer is JSON, errors too.

use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Value, json};
use tokio::time::timeout;
use vtask::HealthProbe;

use crate::job::PlaceOrderHandle;
use crate::orders::{self, NewOrder};
use crate::parcels;
use crate::place::place;

/// What the answers are made of.
#[derive(Clone)]
pub struct Shop {
    pub db: DatabaseConnection,
    pub jobs: PlaceOrderHandle,
    pub probe: HealthProbe,
}

pub fn routes(shop: Shop) -> Router {
    Router::new()
        .route("/orders", post(take).get(list))
        .route("/orders/{id}", get(look))
        .route("/health", get(health))
        .fallback(async || Refusal(StatusCode::NOT_FOUND, "there are /orders, /orders/{id} and /health".to_owned()))
        .method_not_allowed_fallback(async || Refusal(StatusCode::METHOD_NOT_ALLOWED, "no such method".to_owned()))
        .layer(from_fn(to_its_end))
        .with_state(shop)
}

/// Goes on with a request also when its client hangs up, which drops the future that it is waited for with: database
/// drivers do not bear to be dropped in the middle of a transaction.
async fn to_its_end(request: Request, next: Next) -> Response {
    let answer = tokio::spawn(next.run(request)).await;
    answer.unwrap_or_else(|panic| Refusal::from(panic).into_response())
}

/// `POST /orders`
async fn take(State(shop): State<Shop>, order: Result<Json<NewOrder>, JsonRejection>) -> Result<Response, Refusal> {
    let Json(order) = order.map_err(|error| Refusal(error.status(), error.body_text()))?;
    order.check().map_err(|wrong| Refusal(StatusCode::UNPROCESSABLE_ENTITY, wrong.to_owned()))?;
    let is_new = place(&shop.db, &shop.jobs, order.clone()).await?;
    let row = find(&shop, &order.id).await?;
    if !order.is_in(&row) {
        return Err(Refusal(StatusCode::CONFLICT, format!("order {} is there and another one", order.id)));
    }
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let link = format!("/orders/{}", order.id);
    Ok((status, [("location", link.clone())], Json(json!({ "order": row, "look": link }))).into_response())
}

/// `GET /orders`
async fn list(State(shop): State<Shop>) -> Result<Json<Value>, Refusal> {
    let newest = orders::Entity::find().order_by_desc(orders::Column::Id).limit(50).all(&shop.db).await?;
    Ok(Json(json!({ "orders": newest })))
}

/// `GET /orders/{id}`
async fn look(State(shop): State<Shop>, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let order = find(&shop, &id).await?;
    let parcel = parcels::Entity::find().filter(parcels::Column::OrderId.eq(&id)).one(&shop.db).await?;
    Ok(Json(json!({ "order": order, "job": job(&shop, &id).await?, "parcel": parcel })))
}

async fn find(shop: &Shop, id: &str) -> Result<orders::Model, Refusal> {
    let order = orders::Entity::find_by_id(id).one(&shop.db).await?;
    order.ok_or_else(|| Refusal(StatusCode::NOT_FOUND, format!("there is no order {id}")))
}

/// How far the order's job is; null once it is purged.
async fn job(shop: &Shop, id: &str) -> Result<Value, Refusal> {
    let Some(run) = shop.jobs.find(&format!("place_order/{id}")).await? else { return Ok(Value::Null) };
    let info = run.info().await?;
    Ok(json!({
        "status": info.status,
        "step": info.step,
        "progress": info.progress,
        "error": info.error,
        "history": info.history,
    }))
}

/// `GET /health`: whether orders that are taken now would be worked on.
async fn health(State(shop): State<Shop>) -> Result<Response, Refusal> {
    let health = timeout(Duration::from_secs(5), shop.probe.health()).await??;
    let status = if health.is_well() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((status, Json(health)).into_response())
}

/// An answer that tells what is wrong.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

/// What fails here is the database, as a rule. The client learns that it may try again; the log learns why.
impl<E: Into<anyhow::Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        tracing::error!("{:#}", error.into());
        Self(StatusCode::SERVICE_UNAVAILABLE, "this does not work now; the same may be sent again".to_owned())
    }
}
