//! How `ira` is asked, kept and shown: configuration, clients, terminal, dispatch.
