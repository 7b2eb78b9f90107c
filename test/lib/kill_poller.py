"""kill_poller.py TOLD SEEN ADDRESS...: fetches, as a consumer does, what the last line of TOLD names ("PATH DIGEST") and the latest file of
its folder, from each replica that says it is ready, for ever. Each whole answer of 200 is a line "ADDRESS PATH SHA256" of SEEN."""
import hashlib
import http.client
import sys
import time


def get(address, path, timeout):
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.request("GET", "/" + path)
        answer = connection.getresponse()
        body = answer.read()  # one that is cut is an exception: it has a length
        return answer.status, body
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def last_path(told):
    lines = [line.split() for line in open(told) if line.endswith("\n")]
    return next((line[0] for line in reversed(lines) if len(line) == 2), None)


def main():
    told, seen, addresses = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(seen, "a", buffering=1) as out:
        while True:
            path = last_path(told)
            for address in addresses if path else []:
                if get(address, "", 0.5)[0] != 200:
                    continue
                for one in path, path.rpartition("/")[0] + "/latest.tar.gz":
                    status, body = get(address, one, 3)
                    if status == 200:
                        print(address, one, hashlib.sha256(body).hexdigest(), file=out)
            time.sleep(0.05)


main()
