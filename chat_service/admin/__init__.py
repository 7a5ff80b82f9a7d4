"""The operator's side: one process beside the instances, started by the launcher.

It knows all instances (from the launcher, by `chat_service.link`), looks at each one every
few seconds (its figures by its own `admin.sock`, its process by psutil), and offers what an
operator may do in two ways: the console on a terminal, and AdminService on a Unix socket.
Whatever happens to this process, the instances serve on; the launcher starts another one.

    operations    the contract: what an operator may do and see
    fleet         does it: the link to the launcher, and a channel to each instance
    sampling      figures and processes to samples; `samples` keeps the last minutes, pure
    service       AdminService on `admin.sock`
    metrics       figures to Prometheus' text; `web` answers /metrics, /healthz, /readyz
    figures       the samples as lines of the log, where there is no console
    console/      the console
    process       wiring and end

May import of the project: chat_protos, chat_text, chat_service.config, .link and .logs.
"""
