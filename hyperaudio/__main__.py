from hyperaudio.cli import main

main()
