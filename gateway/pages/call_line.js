// A caller's line: his microphone, LiveKit's room, and the way back into it. What becomes of it the page is told.
import { ask, recall, remember } from "./call_gateway.js";

const { Room, RoomEvent, Track, LocalAudioTrack } = window.LivekitClient ?? {};
const KEY_CODES = { "*": 10, "#": 11 };
const MUTED = "voicemesh-muted";
const WAITS_MS = [1000, 2000, 4000, 8000, 15_000];
const GIVE_UP_MS = 120_000;

export const isPossible = Boolean(Room);

const stop = (stream) => stream?.getTracks().forEach((track) => track.stop());

export class Line {
  constructor(page) {
    Object.assign(this, { page, door: null, room: null, stream: null, track: null, isMuted: false, wake: () => undefined });
    this.closing = new AbortController();
  }

  get over() {
    return this.closing.signal;
  }

  get isOver() {
    return this.over.aborted;
  }

  // The caller may hang up while anything is waited for.
  goesOn() {
    if (this.isOver) throw new Error("the line is closed");
  }

  async listen() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } });
    if (this.isOver) stop(stream);
    this.goesOn();
    this.stream = stream;
  }

  async join(door) {
    this.goesOn();
    this.door = door;
    // A page that is loaded again must not hang up: the call is kept for it. One that is closed says so, see pagehide.
    // The microphone is ours to stop: a line that is lost takes it along into the next room, without another question.
    const room = new Room({ adaptiveStream: false, dynacast: false, disconnectOnPageLeave: false, stopLocalTrackOnUnpublish: false });
    this.room = room;
    let isIn = false;
    const lost = new Promise((_, fail) => this.follow(room, (reason) => {
      this.room = this.track = null;
      if (isIn) this.page.onLost(reason);
      else fail(new Error("the room was closed on the way in"));
    }));
    try {
      await Promise.race([this.enter(room), lost]);
      if (this.room !== room) throw new Error("the room was left on the way in");
      isIn = true;
    } catch (error) {
      if (this.room === room) this.room = this.track = null;
      room.disconnect(false).catch(() => undefined);
      throw error;
    }
  }

  follow(room, onLost) {
    const on = (event, act) => room.on(event, (...told) => { if (room === this.room) act(...told); });
    const { page } = this;
    page.onRoom(room);
    room
      .on(RoomEvent.TrackSubscribed, (track) => track.kind === Track.Kind.Audio && document.body.append(track.attach()))
      .on(RoomEvent.TrackUnsubscribed, (track) => track.detach().forEach((element) => element.remove()));
    // One who has left in mid-word stays among the active speakers for a while.
    on(RoomEvent.ActiveSpeakersChanged, (speakers) => page.onSpeaker(speakers.find((one) => room.remoteParticipants.has(one.identity))?.identity));
    on(RoomEvent.ConnectionQualityChanged, (quality, who) => { if (who === room.localParticipant) page.onQuality(quality); });
    on(RoomEvent.AudioPlaybackStatusChanged, () => page.onSound(room.canPlaybackAudio));
    on(RoomEvent.Reconnecting, () => page.onBreak("The connection is gone. Your call is kept while we bring it back."));
    on(RoomEvent.SignalReconnecting, () => page.onBreak("The connection is weak. Your call goes on."));
    on(RoomEvent.Reconnected, () => page.onBack(room.localParticipant.connectionQuality));
    on(RoomEvent.Disconnected, onLost);
  }

  async enter(room) {
    await room.connect(this.door.url, this.door.token);
    this.goesOn();
    this.isMuted ||= recall(MUTED) === this.door.call_id;
    const track = new LocalAudioTrack(this.stream.getAudioTracks()[0], undefined, true);
    if (this.isMuted) await track.mute(); // before anybody can hear it
    this.track = track;
    await room.localParticipant.publishTrack(track, { source: Track.Source.Microphone });
    this.goesOn();
    await room.startAudio().catch(() => undefined);
    this.page.onSound(room.canPlaybackAudio);
  }

  // Into the call of this browser again: the door by which it goes on, or null when there is no such call any more. Fails as the last of its tries did.
  async takeUp(door) {
    if (!this.stream || this.stream.getAudioTracks().some((track) => track.readyState === "ended")) await this.listen();
    let isLate = false;
    const timer = setTimeout(() => { isLate = true; this.wake(); }, GIVE_UP_MS);
    try {
      for (let tries = 0; ; tries++) {
        const isLast = isLate;
        try {
          door ??= await ask("/api/calls/again", { over: this.over });
          this.goesOn();
          if (door) await this.join(door);
          return door;
        } catch (error) {
          if (this.isOver || isLast) throw error;
          door = undefined;
        }
        if (!isLate) await this.pause(WAITS_MS[Math.min(tries, WAITS_MS.length - 1)]);
        this.goesOn();
      }
    } finally {
      clearTimeout(timer);
    }
  }

  // `wake` ends it: the network is back, or nobody waits any longer.
  pause(ms) {
    return new Promise((on) => {
      const timer = setTimeout(on, ms);
      this.wake = () => { clearTimeout(timer); on(); };
    });
  }

  async mute(isMuted) {
    this.isMuted = isMuted;
    remember(MUTED, isMuted ? this.door.call_id : "");
    await (isMuted ? this.track?.mute() : this.track?.unmute());
  }

  press(key) {
    this.room?.localParticipant.publishDtmf(KEY_CODES[key] ?? Number(key), key);
  }

  async close() {
    this.closing.abort();
    this.wake();
    stop(this.stream);
    const { room } = this;
    this.room = this.track = null;
    await room?.disconnect();
  }
}
