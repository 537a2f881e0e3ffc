//! Which addresses may be called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{Ipv4Net, Ipv6Net};

use crate::domain::AddressBlocks;

/// Addresses that may be called: all public ones, and those of the listed blocks.
///
/// Everything else (loopback, private, link-local, metadata and reserved addresses) can only be reached from this machine
/// or its network, so a tenant must not be able to name it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(AddressBlocks);

/// The addresses of this machine itself, as a list of blocks.
pub const LOOPBACK: &str = "127.0.0.0/8,::1";

impl FromStr for Networks {
    type Err = String;

    /// Parses addresses and CIDR blocks, separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

impl Networks {
    /// This machine itself, beside the public addresses.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn loopback() -> Self {
        LOOPBACK.parse().expect("two blocks")
    }

    /// Every address: for a person's own calls.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn all() -> Self {
        "0.0.0.0/0,::/0".parse().expect("two blocks")
    }

    /// Whether a listed block contains an address, or the IPv4 address that is embedded in it.
    #[must_use]
    pub fn lists(&self, address: IpAddr) -> bool {
        self.0.contains(address) || self.0.contains(carried(address))
    }

    /// Whether an address is public or listed.
    #[must_use]
    pub fn admits(&self, address: IpAddr) -> bool {
        is_public(carried(address)) || self.lists(address)
    }
}

/// IPv4 blocks that are not public: IANA's registry of special-purpose addresses (RFC 6890), multicast and reserved ones.
const SPECIAL_V4: [Ipv4Net; 16] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    // Azure's metadata service, at an address that looks public.
    v4(168, 63, 129, 16, 32),
    // Link-local; the metadata service of most clouds.
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// The IPv6 addresses that are public at all (RFC 4291 section 2.4; all that IANA has assigned so far).
const GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 3);

/// Parts of these that are not public: protocols of the IETF with Teredo, 6to4, and two blocks for documentation.
const SPECIAL_V6: [Ipv6Net; 4] = [v6(0x2001, 0, 23), v6(0x2001, 0x0db8, 32), v6(0x2002, 0, 16), v6(0x3fff, 0, 20)];

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix)
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|block| block.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_UNICAST.contains(&address) && !SPECIAL_V6.iter().any(|block| block.contains(&address))
        }
    }
}

/// The IPv4 address that a packet ends up at, where an IPv6 address carries one: IPv4-mapped (RFC 4291), NAT64 (RFC 6052),
/// 6to4 (RFC 3056). Otherwise the address itself.
fn carried(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into()
        }
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn admits(listed: &str, address: &str) -> bool {
        listed.parse::<Networks>().expect("blocks").admits(address.parse().expect("an address"))
    }

    /// First, last and a middle address of every block that is not public.
    const NOT_PUBLIC: &[&str] = &[
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "168.63.129.16",
        "169.254.0.0",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "100::1",
        "64:ff9b:1::1",
        "2001::1",
        "2001:1ff:ffff::1",
        "2001:db8::1",
        "3fff::1",
        "3fff:fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
    ];

    const PUBLIC: &[&str] = &[
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2600::1",
        "2a00:1450::1",
        "3ffe::1",
        "3fff:1000::1",
    ];

    #[test]
    fn only_public_addresses_are_admitted_by_default() {
        for address in PUBLIC {
            assert!(admits("", address), "{address} is public");
        }
        for address in NOT_PUBLIC {
            assert!(!admits("", address), "{address} is not public");
        }
    }

    #[test]
    fn listed_address_is_admitted_and_no_other() {
        for (index, address) in NOT_PUBLIC.iter().enumerate() {
            assert!(admits(address, address), "{address}");
            let other = NOT_PUBLIC[(index + 1) % NOT_PUBLIC.len()];
            assert!(!admits(address, other), "{other} with {address}");
        }
        assert!(admits("10.0.0.0/8, ::1", "10.1.2.3") && admits("10.0.0.0/8, ::1", "::1"));
        assert!(Networks::loopback().admits(Ipv4Addr::LOCALHOST.into()));
        assert!(Networks::loopback().admits(Ipv6Addr::LOCALHOST.into()));
    }

    proptest! {
        #[test]
        fn ipv6_form_of_an_ipv4_address_is_judged_like_it(bits: u32, listed in prop::sample::select(NOT_PUBLIC)) {
            let plain = Ipv4Addr::from_bits(bits);
            let (high, low) = ((bits >> 16) as u16, (bits & 0xffff) as u16);
            let networks: Networks = listed.parse().expect("a block");
            for form in [
                plain.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ] {
                prop_assert_eq!(networks.admits(form.into()), networks.admits(plain.into()), "{} of {}", form, plain);
            }
        }
    }
}
