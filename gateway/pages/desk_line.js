// A human's line into a call: LiveKit's room, a microphone that is published shut, and who else is there.
const { Room, RoomEvent, Track, LocalAudioTrack, DisconnectReason } = window.LivekitClient ?? {};
const OURS = ["triage", "billing", "technical", "sales", "escalation", "human"];

const isCaller = (one) => !OURS.includes(one.identity.split("-", 1)[0]);

export class DeskLine {
  constructor({ onCaller, onElsewhere, onLost, onSound }) {
    Object.assign(this, { onCaller, onElsewhere, onLost, onSound });
    this.room = null;
    this.track = null;
    this.isPossible = Boolean(Room);
  }

  get isJoined() {
    return this.room !== null;
  }

  get callerIsHere() {
    return [...(this.room?.remoteParticipants.values() ?? [])].some(isCaller);
  }

  async listen() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } });
    // Our own to stop: shut, it stays at hand, so that it opens without another question.
    this.track = new LocalAudioTrack(stream.getAudioTracks()[0], undefined, true);
    await this.track.mute();
  }

  async join(door) {
    this.room = new Room({ adaptiveStream: false, dynacast: false, disconnectOnPageLeave: false });
    const room = this.room;
    room
      .on(RoomEvent.TrackSubscribed, (track) => track.kind === Track.Kind.Audio && document.body.append(track.attach()))
      .on(RoomEvent.TrackUnsubscribed, (track) => track.detach().forEach((element) => element.remove()))
      .on(RoomEvent.ParticipantConnected, (one) => isCaller(one) && this.onCaller(true))
      .on(RoomEvent.ParticipantDisconnected, (one) => isCaller(one) && this.onCaller(this.callerIsHere))
      .on(RoomEvent.AudioPlaybackStatusChanged, () => this.onSound(room.canPlaybackAudio))
      .on(RoomEvent.Disconnected, (reason) => room === this.room && this.lost(reason));
    await room.connect(door.url, door.token);
    await room.localParticipant.publishTrack(this.track, { source: Track.Source.Microphone });
    await room.startAudio().catch(() => undefined);
    this.onSound(room.canPlaybackAudio);
  }

  lost(reason) {
    if (reason === DisconnectReason.DUPLICATE_IDENTITY) return this.onElsewhere();
    // Agents keep no room open, nor does a human of ours: one that LiveKit closes by itself has no caller any more.
    return this.onLost(reason === DisconnectReason.ROOM_CLOSED);
  }

  async open() {
    await this.track?.unmute();
  }

  async shut() {
    await this.track?.mute();
  }

  async startAudio() {
    await this.room?.startAudio();
  }

  async leave() {
    const { room, track } = this;
    this.room = this.track = null;
    track?.mediaStreamTrack.stop();
    await room?.disconnect();
    document.querySelectorAll("audio").forEach((element) => element.remove());
  }
}
