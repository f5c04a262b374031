"""Questions to answers in which every sentence carries the exact quote it rests on."""
