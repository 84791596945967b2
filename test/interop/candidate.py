# A candidate of a leader election, made of Debian's python3-consul alone: a session, a key taken with it, renewals. Prints one
# JSON line per event: when it was elected, up to when it surely led, when it stepped down. Times are of the machine's
# monotonic clock, which all processes share.
import json
import sys
import time

import consul
import requests

host, port, token, name, key = sys.argv[1:6]


def tell(event, **more):
    print(json.dumps({'event': event, 'name': name, 'at': time.monotonic(), **more}), flush=True)


def connect():
    client = consul.Consul(host=host, port=int(port), token=token)
    # Its session calls send no token by themselves.
    client.http.session.headers['X-Consul-Token'] = token
    return client


def campaign(client):
    session = client.session.create(name=name, ttl=10, lock_delay=1, behavior='release')
    tell('session', id=session)
    index = None
    while not client.kv.put(key, name, acquire=session):
        index, _ = client.kv.get(key, index=index, wait='2s')
        client.session.renew(session)
        time.sleep(0.1)
    tell('elected')
    lead(client, session)


def lead(client, session):
    while True:
        # Whatever the answer proves was true after this moment.
        asked = time.monotonic()
        try:
            client.session.renew(session)
            _, row = client.kv.get(key, consistency='consistent')
        except (consul.ConsulException, requests.RequestException) as error:
            if isinstance(error, consul.NotFound):
                tell('deposed')
                return
            tell('unsure', why=type(error).__name__)
            time.sleep(0.2)
            continue
        if row is None or row.get('Session') != session:
            tell('deposed')
            return
        tell('led', until=asked, lock_index=row['LockIndex'], value=row['Value'].decode())
        time.sleep(0.2)


while True:
    try:
        campaign(connect())
    except (consul.ConsulException, requests.RequestException) as error:
        tell('failed', why=str(error)[:200])
        time.sleep(0.2)
