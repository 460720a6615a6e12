"""What every service is made of: boot, health, speech, the agent of a call, and the handing over of it."""
