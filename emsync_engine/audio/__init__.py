"""From a score to sound: SoundFonts, synthesisers, stems, mix and Broadcast WAV."""
