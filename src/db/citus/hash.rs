//! The hash of a uuid by which Citus chooses a shard: `uuid_hash` of Postgres (`src/common/hashfn.c`), which is Bob
//! Jenkins' `lookup3` of 2006.

use uuid::Uuid;

/// The hash, as the signed number that the bounds of shards are written in.
pub(super) fn hash_uuid(id: Uuid) -> i32 {
    let bytes = id.as_bytes();
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let start = 0x9e37_79b9_u32.wrapping_add(16).wrapping_add(3_923_095);
    let [a, b, c] = mix([start.wrapping_add(word(0)), start.wrapping_add(word(4)), start.wrapping_add(word(8))]);
    finish([a.wrapping_add(word(12)), b, c]).cast_signed()
}

fn mix([mut a, mut b, mut c]: [u32; 3]) -> [u32; 3] {
    for [x, y, z] in [[4, 6, 8], [16, 19, 4]] {
        a = a.wrapping_sub(c) ^ c.rotate_left(x);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(y);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(z);
        b = b.wrapping_add(a);
    }
    [a, b, c]
}

fn finish([mut a, mut b, mut c]: [u32; 3]) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_that_of_postgres() {
        // select uuid_hash('…')
        for (id, hash) in [
            ("00000000-0000-0000-0000-000000000000", 1_353_656_403),
            ("01a20a86-10a7-7c60-a6d3-6b4d32013a65", -1_315_225_247),
            ("ffffffff-ffff-ffff-ffff-ffffffffffff", -682_383_255),
        ] {
            assert_eq!(hash_uuid(id.parse().expect("a uuid")), hash, "{id}");
        }
    }
}
