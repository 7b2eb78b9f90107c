"""The folder of manifests as git-sync, a ConfigMap volume, editors and copiers treat it: what changes is seen, what is half there deletes
nothing, and what failed for a passing reason is tried again."""
from lab import *

url = Server(Registry()).url("org/app")


def doc(name, tag):
    return (f"---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {{name: {name}, namespace: ''}}\n"
            f"spec: {{interval: 1h, url: '{url}', ref: {{tag: '{tag}'}}}}\n")


def put(path, *docs):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write("".join(docs))


def swap(link, target):
    os.symlink(target, link + ".new")
    os.rename(link + ".new", link)


def tag_is(c, name, tag):
    return not c.gone(name) and c.get(name)["spec"]["ref"]["tag"] == tag


# git-sync: a link in the folder's path, swapped while the old checkout stays
root = tempfile.mkdtemp(dir=TMP)
put(f"{root}/tree-a/clusters/a.yaml", doc("a", "1"))
swap(f"{root}/current", "tree-a")
c = Controller(files=f"{root}/current/clusters")
check("the objects of the first checkout are there", until(10, lambda: tag_is(c, "a", "1")) is not None)
for tag, tree in (("2", "tree-b"), ("3", "tree-c")):
    put(f"{root}/{tree}/clusters/a.yaml", doc("a", tag))
    swap(f"{root}/current", tree)
    figure(f"a swapped link to {tree} is noticed after", until(30, lambda: tag_is(c, "a", tag)), "s", most=20)
c.stop()

# a volume of a ConfigMap: the files stay links, the folder behind them is another one
root = tempfile.mkdtemp(dir=TMP)
put(f"{root}/..v1/a.yaml", doc("a", "1"))
os.symlink("..v1", f"{root}/..data")
os.symlink("..data/a.yaml", f"{root}/a.yaml")
outside = tempfile.mkdtemp(dir=TMP)
put(f"{outside}/b", doc("b", "1"))
os.symlink(f"{outside}/b", f"{root}/b.yaml")
os.symlink(f"{outside}/later", f"{root}/later.yaml")
c = Controller(files=root)
check("linked files are read", until(10, lambda: tag_is(c, "a", "1") and tag_is(c, "b", "1")) is not None)
put(f"{root}/..v2/a.yaml", doc("a", "2"))
swap(f"{root}/..data", "..v2")
shutil.rmtree(f"{root}/..v1")
figure("a swapped ..data is noticed after", until(30, lambda: tag_is(c, "a", "2")), "s", most=20)
put(f"{outside}/b", doc("b", "2"))
figure("a changed target outside the folder is noticed after", until(30, lambda: tag_is(c, "b", "2")), "s", most=20)
check("a dangling link is told", until(5, lambda: "later.yaml" in c.raw()) is not None)
put(f"{outside}/later", doc("later", "1"))
figure("and read when its target appears, after", until(30, lambda: tag_is(c, "later", "1")), "s", most=20)
check("it was told once a change, not at every look", 1 <= c.raw().count('"later.yaml: open') <= 3, c.raw())
c.stop()

# a file that is written in parts, and one that is really shorter
root = tempfile.mkdtemp(dir=TMP)
put(f"{root}/all.yaml", doc("one", "1"), doc("two", "1"))
c = Controller(files=root)
check("both objects are there", until(10, lambda: tag_is(c, "one", "1") and tag_is(c, "two", "1")) is not None)
uid = c.get("two")["metadata"]["uid"]
with open(f"{root}/all.yaml", "w") as f:
    f.write(doc("one", "2"))
    f.flush()
    check("the first part is applied", until(10, lambda: tag_is(c, "one", "2")) is not None)
    time.sleep(1.5)
    f.write(doc("two", "2"))
check("the second one too", until(10, lambda: tag_is(c, "two", "2")) is not None)
check("and what it names was not deleted meanwhile", c.get("two")["metadata"]["uid"] == uid)
put(f"{root}/all.yaml", doc("one", "3"))
figure("what is left out is deleted after", until(30, lambda: c.gone("two")), "s", most=20, least=3)
check("the other one stays", tag_is(c, "one", "3"))

# nothing but noise in the folder: it is looked at all the same
end = time.time() + 10
put(f"{root}/all.yaml", doc("one", "4"))
while time.time() < end and not tag_is(c, "one", "4"):
    put(f"{root}/noise.log", "x")
    time.sleep(0.05)
check("a stream of other events does not hold it up", tag_is(c, "one", "4"))
before = c.cpu()
time.sleep(5)
figure("CPU of five idle seconds", c.cpu() - before, "s", most=0.5)
finish()
