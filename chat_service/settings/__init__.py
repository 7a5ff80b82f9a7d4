"""What a person asked for: one table of settings, and all that is made of it.

A value comes from, weak to strong: the default, the file (`--config`), the environment
(`CHAT_SERVER_…`), a flag. Whatever is wrong is told in one line that says where it stands and
what would be right; nothing starts then.

    kinds      what a value may be: read from text or TOML, written as TOML; pure
    measures   the kinds that have a unit: sizes and times
    networks   the kind of a list of networks
    setting    what the table knows of one: key, kind, help, flag, whether it can change live
    table      the settings; those of one server are in `figures`
    lines      on which line of a TOML text a key stands; pure
    file       a TOML file to values
    sources    file, environment and flags together: values, and where each comes from
    launch     values to a LaunchConfig
    checks     what two settings must have in common
    changes    two LaunchConfigs: what changed, and what of it needs a restart
    effective  --print-config
    document   docs/configuration.md: python -m chat_service.settings > docs/configuration.md

May import of the project: config, retention, and limits and names of the core. All is pure
but `file`, which reads one.
"""
