"""Methods that break in every way a method can; the chaos test runs them beside good ones."""

import os
import time

import torch

from fusionbench import FusionMethod


class Raises(FusionMethod):
    families = frozenset({"ir-vis"})

    def fuse(self, a, b):
        raise ValueError("no such luck")


class WrongSize(FusionMethod):
    families = frozenset({"ir-vis"})

    def fuse(self, a, b):
        return a[..., 1:, :]


class NotANumber(FusionMethod):
    families = frozenset({"ir-vis"})

    def fuse(self, a, b):
        return a * float("nan")


class Sleeps(FusionMethod):
    families = frozenset({"ir-vis"})

    def fuse(self, a, b):
        time.sleep(3600)


class Exits(FusionMethod):
    families = frozenset({"ir-vis"})

    def fuse(self, a, b):
        print("about to leave", flush=True)
        os._exit(7)


class Eats(FusionMethod):
    families = frozenset({"ir-vis"})

    def fuse(self, a, b):
        eaten = []
        while True:
            eaten.append(torch.ones(2**24))
            time.sleep(0.02)


class Segfaults(FusionMethod):
    families = frozenset({"ir-vis"})

    def fuse(self, a, b):
        os.kill(os.getpid(), 11)
