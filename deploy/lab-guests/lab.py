"""The guests of one lab together."""
import os
import shutil
import subprocess

from guest import KINDS, Guest, LabError

__all__ = ["Lab", "LabError"]
# Stands in a folder that a lab has made, so that no other is ever removed.
_MARK = ".vbs-lab"


class Lab:
    """`folder` holds the guests' disks, sockets and logs; `image` what they are made from."""

    def __init__(self, folder: str, image: str):
        self.folder = os.path.abspath(folder)
        self._image = os.path.abspath(image)

    def guest(self, name: str) -> Guest:
        return Guest(name, self.folder, self._image)

    def guests(self) -> list[Guest]:
        return [self.guest(name) for name in KINDS]

    def build_image(self, xen: bool = False) -> None:
        here = os.path.dirname(os.path.realpath(__file__))
        for program in ["build"] + ["build-xen"] * xen:
            if subprocess.run([os.path.join(here, program), self._image], check=False).returncode != 0:
                raise LabError("the image could not be made; the reason is above")

    def up(self, names: list[str]) -> None:
        """Starts the guests beside each other. The volume server is one of them: the others' cables
        end there."""
        guests = [self.guest(name) for name in sorted({"vs", *names}, key=list(KINDS).index)]
        self._make_folder()
        self.build_image(any(guest.kind.xen for guest in guests))
        self._follow_image()
        for guest in guests:
            guest.start()
        for guest in guests:
            guest.wait_ready()
            guest.shell.connect()

    def _is_lab(self) -> bool:
        return os.path.exists(os.path.join(self.folder, _MARK))

    def _make_folder(self) -> None:
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        if not self._is_lab():
            if os.listdir(self.folder):
                raise LabError(f"{self.folder} holds something else than a lab; name an empty folder with --dir")
            with open(os.path.join(self.folder, _MARK), "w", encoding="ascii"):
                pass

    def _follow_image(self) -> None:
        """What was made from an image that has been replaced is made anew. Each lab has a copy of the
        key, because that of a new image opens no guest of the old one."""
        stale = [guest for guest in self.guests() if guest.is_stale()]
        if any(guest.running() for guest in stale):
            raise LabError("the image is newer than this lab; deploy/lab down first")
        for guest in stale:
            guest.forget_root()
        shutil.copy(os.path.join(self._image, "key"), os.path.join(self.folder, "key"))

    def down(self) -> None:
        """Ends the guests and removes the folder, if there is one."""
        if not os.path.exists(self.folder):
            return
        if not self._is_lab():
            raise LabError(f"{self.folder} holds no lab; nothing was removed")
        for guest in self.guests():
            guest.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
