use crate::support::app::{App, page_example};
#[tokio::test]
async fn works() {
    let app = App::new().await;
    let t = app.tenant().await;
    let a = app.create(&t, &page_example()).await;
    assert_eq!(a.status, 201, "{}", a.text);
}
