mod get;
pub mod isolation;
mod list;
mod long_lists;
mod shapes;
