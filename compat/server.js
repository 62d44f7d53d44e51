// The older name of the same.
require('./server-python.js');
