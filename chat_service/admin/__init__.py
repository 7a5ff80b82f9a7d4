"""The operator's side: one process beside the instances, started by the launcher.

It knows all instances (from the launcher, by `chat_service.link`), looks at each one every
few seconds (its figures by its own `admin.sock`, its process by psutil), and offers what an
operator may do in two ways: the console on a terminal, and AdminService on a Unix socket.
Whatever happens to this process, the instances serve on; the launcher starts another one.

    operations    the contract: what an operator may do and see
    fleet         does it, by `launcher` (the link) and `places` (the instances, each with a
                  `remote`: a channel to it); `listing` makes one list of several, in pages,
                  `recent` keeps the last lines of the log
    sampling      figures and `processes` to samples; `samples` keeps the last minutes, pure
    service       AdminService on `admin.sock`; `status` says why something cannot be done
    monitoring    /metrics, /healthz, /readyz: `metrics` is Prometheus' text, `web` the HTTP
    figures       the samples as lines of the log, where there is no console
    console/      the console
    process       what the launcher starts; `wiring` puts all of this together

May import of the project: chat_protos, chat_text, chat_service.config, .link and .logs.
"""
