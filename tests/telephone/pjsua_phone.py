"""A telephone in a process of its own: a real SIP user agent (pjsua2), told by lines of JSON what to do, telling by lines what happens.

    {"do": "answer", "code": 200, "after": 1.0}     how the next calls are answered: 200, 486, 603 ...; 0 lets them ring
    {"do": "call", "uri": "sip:+15550100000@127.0.0.1:5060"}
    {"do": "press", "digits": "1"}                  as telephone events (RFC 2833)
    {"do": "play", "wav": "/path", "again": true}   into the call, once or over and over
    {"do": "record", "wav": "/path"}                what is heard, from now on; the last recording is whole then
    {"do": "hang_up"}
    {"do": "send_nothing"}                          no sound any more, not even silence, as over a broken line; SIP is answered still

A crash of the native library ends this process, and not the tests'.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from typing import Any

import pjsua2 as pj

HOST = "127.0.0.1"
CODEC = "PCMU/8000/1"
_LOOK_MS = 10
_FILE_SECONDS = 0.5
"""A recorder that is let go writes its file's end with the next turns of the sound."""


def tell(event: str, **told: Any) -> None:
    print(json.dumps({"event": event, **told}), flush=True)


class Call(pj.Call):  # type: ignore[misc]
    """The one call of this telephone."""

    def __init__(self, phone: Phone, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(phone.account, call_id)
        self._phone = phone
        self.audio: Any = None

    def onCallState(self, prm: Any) -> None:
        info = self.getInfo()
        tell("state", state=info.stateText, code=info.lastStatusCode)
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self._phone.over(self)
            tell("over")

    def onCallMediaState(self, prm: Any) -> None:
        try:
            self.audio = self.getAudioMedia(-1)
        except pj.Error:
            return  # not yet, or not any more
        self._phone.connect(self)
        tell("media")

    def onDtmfDigit(self, prm: Any) -> None:
        tell("key", digit=prm.digit)


class Account(pj.Account):  # type: ignore[misc]
    """Who may be called at this address."""

    def __init__(self, phone: Phone) -> None:
        super().__init__()
        self._phone = phone

    def onIncomingCall(self, prm: Any) -> None:
        self._phone.rings(prm.callId)


class Phone:
    """See above."""

    def __init__(self, port: int, rtp_port: int) -> None:
        self.calls: list[Call] = []
        self._answer = {"code": 200, "after": 0.5}
        self._later: list[tuple[float, Any]] = []
        self._player: Any = None
        self._recorder: Any = None
        self._endpoint = pj.Endpoint()
        self._endpoint.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0  # its callbacks run where they are asked for
        config.uaConfig.mainThreadOnly = True
        config.logConfig.level = config.logConfig.consoleLevel = 0
        config.medConfig.clockRate = 8000
        config.medConfig.noVad = True  # sound all the time: who sends none is hung up
        config.medConfig.ecTailLen = 0
        self._endpoint.libInit(config)
        self._endpoint.audDevManager().setNullDev()
        transport = pj.TransportConfig()
        transport.port, transport.boundAddress, transport.publicAddress = port, HOST, HOST
        self._endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self._endpoint.libStart()
        for codec in self._endpoint.codecEnum2():
            self._endpoint.codecSetPriority(codec.codecId, 255 if codec.codecId == CODEC else 0)
        account = pj.AccountConfig()
        account.idUri = f"sip:telephone@{HOST}:{port}"
        media = account.mediaConfig.transportConfig
        media.port, media.boundAddress, media.publicAddress = rtp_port, HOST, HOST
        self.account = Account(self)
        self.account.create(account)
        tell("ready")

    # --- what happens -------------------------------------------------------------------------------------------------
    def rings(self, call_id: int) -> None:
        call = Call(self, call_id)
        self.calls.append(call)
        self._say(call, 180)
        tell("rings")
        if self._answer["code"]:
            self._later.append(
                (time.monotonic() + self._answer["after"], lambda: self._say(call, self._answer["code"]))
            )

    def _say(self, call: Call, code: int) -> None:
        if call in self.calls:
            prm = pj.CallOpParam()
            prm.statusCode = code
            call.answer(prm)

    def connect(self, call: Call) -> None:
        if self._player is not None:
            self._player.startTransmit(call.audio)
        if self._recorder is not None:
            call.audio.startTransmit(self._recorder)

    def over(self, call: Call) -> None:
        # Not in its own callback: pjsua2 still holds it.
        self._later.append((0.0, lambda: self.calls.remove(call) if call in self.calls else None))

    # --- what it is told ------------------------------------------------------------------------------------------------
    def does(self, told: dict[str, Any]) -> None:
        getattr(self, f"_do_{told.pop('do')}")(**told)

    def _do_answer(self, code: int, after: float) -> None:
        self._answer = {"code": code, "after": after}

    def _do_call(self, uri: str) -> None:
        call = Call(self)
        self.calls.append(call)
        call.makeCall(uri, pj.CallOpParam(True))

    def _do_press(self, digits: str) -> None:
        for call in self.calls:
            call.dialDtmf(digits)

    def _do_play(self, wav: str, again: bool) -> None:
        self._player = pj.AudioMediaPlayer()
        self._player.createPlayer(wav, 0 if again else pj.PJMEDIA_FILE_NO_LOOP)
        for call in self.calls:
            if call.audio is not None:
                self.connect(call)

    def _do_record(self, wav: str) -> None:
        self._recorder = None  # its file is whole when it is gone
        if wav:
            self._recorder = pj.AudioMediaRecorder()
            self._recorder.createRecorder(wav)
        for call in self.calls:
            if call.audio is not None and self._recorder is not None:
                call.audio.startTransmit(self._recorder)
        self._later.append((time.monotonic() + _FILE_SECONDS, lambda: tell("recording", wav=wav)))

    def _do_hang_up(self) -> None:
        for call in self.calls:
            call.hangup(pj.CallOpParam(True))

    def _do_send_nothing(self) -> None:
        self._endpoint.audDevManager().setNoDev()  # it was the clock of all sound

    # --- its life -------------------------------------------------------------------------------------------------------
    def lives(self, orders: queue.Queue[str]) -> None:
        """Until its orders end."""
        while True:
            self._endpoint.libHandleEvents(_LOOK_MS)
            now = time.monotonic()
            due = [act for at, act in self._later if at <= now]
            self._later = [(at, act) for at, act in self._later if at > now]
            for act in due:
                act()
            while not orders.empty():
                if not (line := orders.get()):
                    return
                self.does(json.loads(line))


def _read(orders: queue.Queue[str]) -> None:
    for line in sys.stdin:
        orders.put(line)
    orders.put("")


def main() -> None:
    orders: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(orders,), daemon=True).start()
    Phone(int(sys.argv[1]), int(sys.argv[2])).lives(orders)


if __name__ == "__main__":
    main()
