//! The registry from end to end, on a disk.
