//! Blocks of IP addresses (CIDR, RFC 4632), as an operator lists them.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// Blocks of addresses. None by default.
///
/// An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) is the IPv4 address in it, here and in a block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressBlocks(Vec<IpNet>);

impl FromStr for AddressBlocks {
    type Err = String;

    /// Parses addresses and CIDR blocks, separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let written = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let read = |entry: &str| match entry.parse() {
            Ok(block) => canonical(block),
            Err(_) => entry
                .parse()
                .map(|one: IpAddr| one.to_canonical().into())
                .map_err(|_| format!("`{entry}` is neither an address nor a block like 10.0.0.0/8")),
        };
        written.map(read).collect::<Result<_, _>>().map(Self)
    }
}

impl AddressBlocks {
    /// Whether one of the blocks contains an address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|block| block.contains(&address))
    }
}

/// Turns a block of IPv4-mapped addresses (`::ffff:10.0.0.0/104`) into a block of IPv4, because addresses are compared as
/// IPv4.
fn canonical(block: IpNet) -> Result<IpNet, String> {
    let IpNet::V6(mapped) = block else { return Ok(block) };
    let Some(address) = mapped.addr().to_ipv4_mapped() else { return Ok(block) };
    let prefix = mapped.prefix_len().checked_sub(96).and_then(|length| Ipv4Net::new(address, length).ok());
    prefix.map(IpNet::V4).ok_or_else(|| {
        format!(
            "`{block}` includes more than the IPv4-mapped addresses ::ffff:0:0/96; write an IPv4 block like 10.0.0.0/8"
        )
    })
}
