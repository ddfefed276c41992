"""What `mend doctor` looks at, a file for each part. A check never raises for what it is there to find."""
